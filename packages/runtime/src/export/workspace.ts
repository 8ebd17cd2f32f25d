/**
 * The place of an export while it is written: a folder beside the target, under a name that the next attempt finds again. In: a target.
 * Out: a folder for files, what an earlier attempt finished, and at the end the target. Law: until `commit` the target is untouched; at
 * every moment, kill -9 included, it is whole or absent; one process at a time works here.
 *
 *   .<name>.partial/lock.…  who works here (see lock.ts)
 *   .<name>.partial/state   what is finished (see state.ts)
 *   .<name>.partial/files/  becomes the target
 *   .<name>.partial/old/    the replaced export, between two renames
 */
import { access, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createHash } from "node:crypto";
import { ExportError } from "../errors.ts";
import { MANIFEST_FILE } from "../manifest.ts";
import { diskGuarded, hasCode, type FileEntry } from "./data-file.ts";
import { takeLock, type Lock } from "./lock.ts";
import { readState, writeFileSynced, writeState, type ExportState } from "./state.ts";

export class Workspace {
  readonly #target: string;
  readonly #overwrite: boolean;
  readonly #path: string;
  readonly #lock: Lock;
  /** Whether the next attempt would save work by what is finished here. */
  #worth = true;

  private constructor(target: string, overwrite: boolean, path: string, lock: Lock) {
    this.#target = target;
    this.#overwrite = overwrite;
    this.#path = path;
    this.#lock = lock;
  }

  /**
   * Prepares an export to `target` and locks out others.
   * @throws ExportError `export/busy`; `export/exists` for a directory with something in it, unless `overwrite` is set and it holds an export
   */
  static async open(target: string, overwrite: boolean): Promise<Workspace> {
    const absolute = resolve(target);
    const path = join(dirname(absolute), `.${basename(absolute)}.partial`);
    if (!(await exists(join(path, "old")))) await checkTarget(absolute, overwrite);
    const workspace = new Workspace(absolute, overwrite, path, await takeLock(path));
    try {
      await workspace.#recover();
      await checkTarget(absolute, overwrite);
      await mkdir(workspace.files, { recursive: true });
      return workspace;
    } catch (cause) {
      await workspace.close({ keep: true });
      throw cause;
    }
  }

  /** Where the export's files lie until `commit`. */
  get files(): string {
    return join(this.#path, "files");
  }

  /** Folder whose file system the export fills. */
  get parent(): string {
    return dirname(this.#target);
  }

  /** What an earlier attempt with the same key left; null when there is none, and then nothing of it is left either. */
  async resume(key: string): Promise<ExportState | null> {
    const state = await readState(this.#state);
    if (state?.key === key) return state;
    this.#worth = false;
    await rm(this.#state, { force: true });
    await rm(this.files, { recursive: true, force: true });
    await mkdir(this.files, { recursive: true });
    return null;
  }

  /** Notes what is finished, atomically. */
  async record(state: ExportState): Promise<void> {
    this.#worth = state.files.length > 0;
    await diskGuarded(() => writeState(this.#state, state));
  }

  /** Removes all files but these: what was half-written, and what was written for another plan. */
  async keepOnly(names: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.files)) if (!names.has(name)) await rm(join(this.files, name), { recursive: true, force: true });
  }

  /** Writes a whole file beside the data. */
  async writeFile(name: string, content: Uint8Array | string): Promise<FileEntry> {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    await diskGuarded(() => writeFileSynced(join(this.files, name), bytes));
    return { name, bytes: bytes.byteLength, sha256: createHash("sha256").update(bytes).digest("hex") };
  }

  /** Puts the finished files in the target's place. @throws ExportError `export/busy`, `export/exists` when something came there meanwhile */
  async commit(): Promise<void> {
    await this.#lock.check();
    await checkTarget(this.#target, this.#overwrite);
    const old = join(this.#path, "old");
    if (await exists(join(this.#target, MANIFEST_FILE))) await rename(this.#target, old);
    else if (await exists(this.#target)) await rmdir(this.#target); // fails if something came into it meanwhile
    try {
      await rename(this.files, this.#target);
    } catch (cause) {
      await this.#recover();
      throw cause;
    }
    await rm(old, { recursive: true, force: true });
  }

  /** Lets others in. `keep`: what is finished, if anything is, stays for the next attempt. */
  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.#lock.check();
    if (!keep || !this.#worth) {
      await rm(this.#state, { force: true });
      await rm(this.files, { recursive: true, force: true });
    }
    await this.#lock.release();
    await rmdir(this.#path).catch(() => {}); // not empty: something is kept, or somebody else is already there
  }

  get #state(): string {
    return join(this.#path, "state");
  }

  /** An attempt that ended between the two renames of `commit` has left the replaced export aside. */
  async #recover(): Promise<void> {
    const old = join(this.#path, "old");
    if (!(await exists(old))) return;
    if (await exists(this.#target)) await rm(old, { recursive: true, force: true });
    else await rename(old, this.#target);
  }
}

/** @throws ExportError `export/exists` unless the target is free, or an export to be replaced */
async function checkTarget(target: string, overwrite: boolean): Promise<void> {
  const entries = await readdir(target).catch((cause: unknown): string[] => {
    if (hasCode(cause, "ENOENT")) return [];
    throw new ExportError("export/exists", `${target} is no directory that an export can be written to`, {
      hint: "choose another name",
      cause,
    });
  });
  if (entries.length === 0) return;
  if (!overwrite)
    throw new ExportError("export/exists", `${target} exists and has ${entries.length} entries`, {
      hint: "choose another directory, or replace the export in it (--force; in a program overwrite: true)",
    });
  if (!entries.includes(MANIFEST_FILE))
    throw new ExportError("export/exists", `${target} holds no ${MANIFEST_FILE}: only an earlier export is overwritten`, {
      hint: "choose another directory, or empty this one yourself",
    });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
