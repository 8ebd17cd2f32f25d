/** How many threads an operator should get: one per physical core, since two on one core share its vector units. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** More threads than this wait for memory and for each other at decode. */
const MAX_THREADS = 8;

/** Distinct physical cores in Linux's /proc/cpuinfo; null where it does not tell (ARM, some virtual machines). */
export function physicalCores(cpuinfo: string): number | null {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const core = /^core id\s*:\s*(\d+)/m.exec(processor);
    const socket = /^physical id\s*:\s*(\d+)/m.exec(processor);
    if (core !== null && socket !== null) cores.add(`${socket[1]}:${core[1]}`);
  }
  return cores.size === 0 ? null : cores.size;
}

/** Threads by default, 1 to 8. Never more than this process may use. */
export function defaultThreads(): number {
  return Math.min(MAX_THREADS, availableParallelism(), coresOfThisMachine() ?? MAX_THREADS);
}

function coresOfThisMachine(): number | null {
  if (process.platform !== "linux") return null;
  try {
    return physicalCores(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return null;
  }
}
