/** When packed weights can be used again: same export, same engine, same processor. In: those. Out: a name for a directory. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Manifest } from "../manifest.ts";

/** Raised when what is kept, or how it is made, changes. */
const FORMAT = 1;

/** Hexadecimal digits of a directory's name. */
const DIGITS = 32;

/** The export: its manifest has the SHA-256 of every file. */
export function modelKey(manifest: Manifest): string {
  return digest(manifest);
}

/**
 * Engine and processor. Threads are no part of it: packing does not depend on them. A wrong key costs time, never numbers, because ONNX
 * Runtime takes packed weights only where their hash is that of what it would have packed itself.
 */
export function machineKey(onnxruntime: string): string {
  return digest({ format: FORMAT, onnxruntime, platform: process.platform, arch: process.arch, processor: processor() });
}

/** Model and features of the processor: which of them the engine uses decides the layout. */
function processor(): readonly string[] {
  const known = process.platform === "linux" ? processorFeatures(cpuinfo()) : [];
  return known.length > 0 ? known : [cpus()[0]?.model ?? "unknown"];
}

function cpuinfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}

/** What the first processor of Linux's /proc/cpuinfo says of itself that does not change from one start to the next. */
export function processorFeatures(text: string): string[] {
  const first = text.split(/\n\s*\n/, 1)[0]!;
  return first
    .split("\n")
    .filter((line) => /^(vendor_id|cpu family|model|model name|stepping|flags|Features|CPU \w+)\s*:/.test(line))
    .map((line) => line.replace(/\s+/g, " "));
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, DIGITS);
}
