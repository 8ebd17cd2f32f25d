/**
 * Packed weights of exports that were loaded before on this machine. In: an export. Out: blobs to map. Law: whatever goes wrong here, the
 * model can be loaded the plain way; a directory in the cache is whole or not there.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../cache-directory.ts";
import { engineVersion } from "../engine-version.ts";
import { SessionError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import type { OpenedExport } from "../open-export.ts";
import { machineKey, modelKey } from "./key.ts";
import { readPackedWeights, writeIndex, type PackedWeights } from "./packed-weights.ts";
import { makePacked, type SavePacked } from "./make.ts";

/** Bytes packed for each of the weights', at most: 4 bits in blocks of 32 take 0.75 bytes for 0.56. */
const PACKED_PER_BYTE = 1.34;

/** Room for what a slice needs meanwhile, and for others. */
const SPARE_BYTES = 2 ** 30;

/** What another process has not touched for so long was left behind by a crash. */
const STALE_MS = 24 * 60 * 60 * 1000;

const PARTIAL = ".partial-";

/**
 * The packed weights of an export: those of the cache, or new ones.
 * @param verify Read the blobs whole and compare their checksum
 * @throws SessionError `session/prepack-failed`, which names the reason
 */
export async function packedWeights(opened: OpenedExport, verify: boolean, save: SavePacked): Promise<PackedWeights> {
  const models = join(cacheDirectory(), "packed", modelKey(opened.manifest));
  const directory = join(models, machineKey(engineVersion()));
  try {
    const found = await readPackedWeights(directory, verify).catch(async () => {
      await rm(directory, { recursive: true, force: true }); // damaged: they are made again
      return null;
    });
    return found ?? (await make(opened, models, directory, save));
  } catch (thrown) {
    if (thrown instanceof SessionError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new SessionError("session/prepack-failed", `packed weights could not be kept in ${directory}: ${reason}`, {
      hint: 'free some space, set $ORRERY_CACHE to a directory that can be written, or load with prepacked: "off"',
      cause: thrown,
    });
  }
}

async function make(opened: OpenedExport, models: string, directory: string, save: SavePacked): Promise<PackedWeights> {
  await mkdir(models, { recursive: true });
  await checkSpace(models, opened.manifest);
  const partial = join(models, `${PARTIAL}${randomUUID()}`);
  await mkdir(partial);
  try {
    const index = await makePacked(opened, partial, save);
    await writeIndex(partial, index);
    await replace(partial, directory);
    await evict(models, directory);
    const made = await readPackedWeights(directory, false);
    if (made === null) throw new Error("they were removed while they were made");
    return made;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Puts a finished directory in place, unless another process was first: its blobs are as good. */
async function replace(partial: string, directory: string): Promise<void> {
  await rename(partial, directory).catch(async (cause: unknown) => {
    if ((await readPackedWeights(directory, false)) === null) throw cause;
  });
}

/** Removes what this model left for other processors and engines, and what a crash left. */
async function evict(models: string, keep: string): Promise<void> {
  for (const name of await readdir(models)) {
    const path = join(models, name);
    if (path === keep) continue;
    if (name.startsWith(PARTIAL) && !(await isStale(path))) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined); // mapped by another process, where that locks a file
  }
}

async function isStale(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > STALE_MS;
}

async function checkSpace(directory: string, manifest: Manifest): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const needed = Math.ceil(exportBytes(manifest) * PACKED_PER_BYTE) + SPARE_BYTES;
  if (free < needed)
    throw new SessionError("session/prepack-failed", `packing needs ${needed} bytes of disk, ${free} are free at ${directory}`, {
      hint: 'free some space, set $ORRERY_CACHE to a directory on another disk, or load with prepacked: "off"',
    });
}

/** Bytes of an export's files. */
export function exportBytes({ files }: Manifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
