/**
 * What of an export is finished, on disk. In: data files with their hashes. Out: those of them that can be trusted. Law: the file is
 * replaced as a whole; what it says is believed only where the key is the same and the contents still hash to it.
 */
import { createHash } from "node:crypto";
import { open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { hashFile } from "../hash-file.ts";
import { manifestSchema } from "../manifest.ts";
import type { FileEntry } from "./data-file.ts";
import type { DataFile } from "./plan.ts";

const stateSchema = z.object({
  format: z.literal(1),
  /** Of source, options and versions: see {@link exportKey}. */
  key: z.string(),
  /** Chosen by a measurement, which another time might choose otherwise. */
  experts: manifestSchema.shape.experts,
  files: manifestSchema.shape.files,
});

export type ExportState = z.infer<typeof stateSchema>;

/** More than this is not ours, and is not read. */
const MAX_BYTES = 2 ** 20;

/** One string for all that decides the bytes of an export. */
export function exportKey(facts: object): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** The state at `path`, or null where there is none that can be understood. */
export async function readState(path: string): Promise<ExportState | null> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > MAX_BYTES) return null;
    return stateSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null; // without it the export starts anew
  }
}

export async function writeState(path: string, state: ExportState): Promise<void> {
  await writeFileSynced(`${path}-new`, Buffer.from(JSON.stringify(state)));
  await rename(`${path}-new`, path);
}

/** The planned files that an earlier attempt finished and that are still as it left them. */
export async function intactFiles(directory: string, planned: readonly DataFile[], finished: readonly FileEntry[]): Promise<FileEntry[]> {
  const intact: FileEntry[] = [];
  for (const entry of finished) {
    if (!planned.some(({ name, bytes }) => name === entry.name && bytes === entry.bytes)) continue;
    const path = join(directory, entry.name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === true && found.size === entry.bytes && (await hashFile(path)) === entry.sha256) intact.push(entry);
  }
  return intact;
}

/** Writes a file whose bytes are on the disk when the promise resolves. */
export async function writeFileSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
