/** A copy of the example's repository with a bug in it, for one run. In: a bug. Out: a folder of its own, and its removal. */
import { replaceOnce } from "@orrery/files";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bug } from "./bugs.ts";

const CLEAN = fileURLToPath(new URL("../repo", import.meta.url));

export interface Practice extends AsyncDisposable {
  readonly folder: string;
}

/** Without a bug: the repository as it should be. */
export async function practice(bug?: Bug): Promise<Practice> {
  const folder = await mkdtemp(join(tmpdir(), "orrery-coding-"));
  await cp(CLEAN, folder, { recursive: true });
  if (bug) {
    const file = join(folder, bug.file);
    await writeFile(file, replaceOnce(await readFile(file, "utf8"), bug.right, bug.wrong));
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
