/**
 * Whether there is room for an export. In: bytes it needs of disk and memory. Out: nothing, or an error that says how much is missing.
 * Law: refused is only what cannot succeed, so caches that the system would give up count as free.
 */
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { ShortageError } from "../errors.ts";
import { slicesOf, storageBytes } from "../weights/storage.ts";
import type { DataFile } from "./plan.ts";

/**
 * Memory that one writer takes beyond what the process had before: a few chunks (weights/materialize.ts), which wait for the collector.
 * Measured with bench/export-memory.mjs: 105 to 130 MB, whatever the layers' size. A writer in a thread of its own brings a heap along.
 */
const WRITER_BYTES = 144 * 2 ** 20;
const THREAD_BYTES = 48 * 2 ** 20;

/** Memory for writing these files with so many writers at a time, in bytes beyond what the process holds already. */
export function writingMemory(files: readonly DataFile[], writers: number): number {
  // Scales and zero points of a weight are collected before they are written.
  const sides = files.flatMap(({ weights }) =>
    weights.flatMap(slicesOf).map(({ storage }) => (storage.kind === "float32" ? 0 : storageBytes(storage) - storage.bytes.data)),
  );
  return writers * (WRITER_BYTES + 2 * sides.reduce((a, b) => Math.max(a, b), 0)) + (writers > 1 ? writers * THREAD_BYTES : 0);
}

/** Bytes of memory that this process can still get. */
export function availableMemory(): number {
  // Not process.availableMemory(): within a control group that counts the page cache as taken, and files just read fill it.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(freemem(), Math.max(0, limit - process.memoryUsage.rss())) : freemem();
}

/** @throws ShortageError `export/low-memory` */
export function checkMemory(needed: number, available = availableMemory()): void {
  if (available >= needed) return;
  throw new ShortageError("export/low-memory", `the export needs ${needed} bytes of memory, ${available} are available`, {
    needed,
    available,
    hint: "end other programs, or give the container more memory",
  });
}

/** @throws ShortageError `export/disk-full` */
export async function checkDisk(directory: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const available = bavail * bsize;
  if (available >= needed) return;
  throw new ShortageError("export/disk-full", `the export needs ${needed} bytes, ${available} are free at ${directory}`, {
    needed,
    available,
    hint: "free some space, choose another directory, or another precision",
  });
}
