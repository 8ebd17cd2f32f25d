/**
 * A folder of abstracts. In: its path. Out: which files count, each with a stamp that changes when the file does, and their contents.
 * Law: only regular files directly in the folder; links are not followed; names, sizes and numbers have limits, and what is left out
 * is told with its reason.
 */
import { constants } from "node:fs";
import { lstat, open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { idOf, MAX_FILE_BYTES, parseAbstract, type Abstract } from "./abstract.ts";
import { LiteratureError } from "./errors.ts";

/** The abstracts that come with the example. */
export const OWN_ABSTRACTS = fileURLToPath(new URL("../data", import.meta.url));

export interface Skipped {
  /** As JSON writes it: a name may hold anything. */
  readonly file: string;
  readonly reason: string;
}

export interface Listing {
  readonly files: readonly { readonly id: string; readonly name: string; readonly stamp: string }[];
  readonly skipped: readonly Skipped[];
}

export const FOLDER_LIMITS = { entries: 20_000, skippedTold: 100 } as const;

/** @throws LiteratureError `literature/no-folder`, `literature/too-many-files` */
export async function listFolder(folder: string): Promise<Listing> {
  const files: { id: string; name: string; stamp: string }[] = [];
  const skipped: Skipped[] = [];
  const skip = (name: string, reason: string): void => {
    if (skipped.length < FOLDER_LIMITS.skippedTold) skipped.push({ file: JSON.stringify(name.slice(0, 80)), reason });
  };
  const names = (await namesIn(folder)).filter((name) => name.endsWith(".txt") && !name.startsWith(".")).sort();
  const taken = new Set<string>();
  for (const name of names) {
    const id = idOf(name);
    if (id === undefined) {
      skip(name, "its name is not 1 to 40 letters, digits, '_' or '-', and '.txt'");
      continue;
    }
    const stat = await lstat(join(folder, name), { bigint: true }).catch(() => undefined);
    if (!stat?.isFile()) skip(name, "it is not a regular file");
    else if (stat.size > MAX_FILE_BYTES) skip(name, `it has more than ${MAX_FILE_BYTES} bytes`);
    else if (taken.has(id.toLowerCase())) skip(name, "another file has this name but for upper and lower case");
    else {
      taken.add(id.toLowerCase());
      files.push({ id, name, stamp: `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` });
    }
  }
  return { files, skipped };
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder)) {
      names.push(name);
      if (names.length > FOLDER_LIMITS.entries)
        throw new LiteratureError("literature/too-many-files", `${folder} has more than ${FOLDER_LIMITS.entries} entries`, {
          hint: "name a folder that holds only abstracts",
        });
    }
  } catch (thrown) {
    if (thrown instanceof LiteratureError) throw thrown;
    throw new LiteratureError("literature/no-folder", `${folder} cannot be listed: ${String((thrown as Error).message)}`, {
      hint: "name a folder of .txt files with --folder",
      cause: thrown,
    });
  }
  return names;
}

/** A file as an abstract, or why it is none; the file may have changed since it was listed. */
export async function readAbstract(folder: string, { id, name }: Listing["files"][number]): Promise<Abstract | { problem: string }> {
  try {
    const file = await open(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return { problem: "it is not a regular file" };
      const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
      let length = 0;
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, length));
      if (length > MAX_FILE_BYTES) return { problem: `it has more than ${MAX_FILE_BYTES} bytes` };
      return parseAbstract(id, new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length)));
    } finally {
      await file.close();
    }
  } catch (thrown) {
    const { code = "" } = thrown as NodeJS.ErrnoException;
    return { problem: code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "it is not UTF-8" : `it cannot be read (${code})` };
  }
}
