/**
 * The cache on disk. In: a repository. Out: its paths, and what was learned of it. Law: files of a commit lie in a directory of their own,
 * and get there whole, by a rename.
 *
 *     hub/<owner>--<name>/<commit>/…             the files, as in the repository
 *                        /commits/<commit>.json   which files the commit has, with sizes and hashes
 *                        /refs/<revision>         the commit that a branch or tag was at, at the last visit; of a long name the SHA-256
 *                        /partial/                downloads under way
 */
import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { HubError } from "../errors.ts";
import { isCommit, type HubName } from "./name.ts";
import { hubFileSchema, type HubFile } from "./repository.ts";
import { unsafePart } from "./safe-path.ts";

/** A name in a directory has at most 255 characters, and needs some for what is under way. */
const MAX_REF = 200;
const MAX_LIST_BYTES = 64 * 2 ** 20;

const listSchema = z.array(hubFileSchema.refine(({ path }) => unsafePart(path) === null));

export class RepositoryCache {
  readonly #directory: string;

  constructor(cache: string, { owner, name }: HubName) {
    this.#directory = join(cache, "hub", `${owner}--${name}`);
  }

  /** Downloads under way. */
  get partial(): string {
    return join(this.#directory, "partial");
  }

  /** The directory of a commit's files. */
  commit(commit: string): string {
    return join(this.#directory, commit);
  }

  /** The commit that a branch or tag was at; null when that is not known. */
  async readRef(revision: string): Promise<string | null> {
    const commit = (await readFile(this.#ref(revision), "utf8").catch(() => "")).trim();
    return isCommit(commit) ? commit : null;
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    await writeWhole(this.#ref(revision), `${commit}\n`);
  }

  /** The files of a commit; null when they are not known. */
  async readFiles(commit: string): Promise<readonly HubFile[] | null> {
    const path = this.#list(commit);
    const found = await stat(path).catch(() => null);
    if (found === null || !found.isFile() || found.size > MAX_LIST_BYTES) return null;
    try {
      return listSchema.parse(JSON.parse(await readFile(path, "utf8")));
    } catch {
      return null; // cut short or written by another version: it is fetched again
    }
  }

  async writeFiles(commit: string, files: readonly HubFile[]): Promise<void> {
    await writeWhole(this.#list(commit), JSON.stringify(files));
  }

  /** Whether a file of a commit is there. Contents were proved when it came. */
  async has(commit: string, { path, bytes }: HubFile): Promise<boolean> {
    const found = await stat(join(this.commit(commit), path)).catch(() => null);
    return found !== null && found.isFile() && found.size === bytes;
  }

  /** Takes a file over from another commit that has the same, sharing its bytes. False when none has. */
  async adopt(commit: string, file: HubFile): Promise<boolean> {
    const lists = await readdir(join(this.#directory, "commits")).catch((): string[] => []);
    for (const list of lists) {
      const other = list.replace(/\.json$/, "");
      if (!isCommit(other) || other === commit) continue;
      const same = (await this.readFiles(other))?.find(({ hash }) => hash.value === file.hash.value);
      if (same === undefined || !(await this.has(other, same))) continue;
      const target = join(this.commit(commit), file.path);
      await mkdir(dirname(target), { recursive: true });
      const linked = await link(join(this.commit(other), same.path), target).then(
        () => true,
        () => false, // a file system without links, or the file came meanwhile
      );
      if (linked) return true;
    }
    return false;
  }

  /** @throws HubError `hub/disk-full` when `bytes` more do not fit */
  async reserve(bytes: number): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const { bavail, bsize } = await statfs(this.#directory);
    const free = bavail * bsize;
    if (free < bytes)
      throw new HubError(
        "hub/disk-full",
        `${bytes} bytes are to be fetched, ${free} are free at ${this.#directory}: ${bytes - free} too few`,
        {
          hint: "free some space, or set ORRERY_CACHE to a directory on a larger disk",
        },
      );
  }

  #ref(revision: string): string {
    const name = encodeURIComponent(revision);
    const short = name.length <= MAX_REF ? name : createHash("sha256").update(revision).digest("hex");
    return join(this.#directory, "refs", short);
  }

  #list(commit: string): string {
    return join(this.#directory, "commits", `${commit}.json`);
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}
