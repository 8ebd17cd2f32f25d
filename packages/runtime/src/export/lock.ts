/**
 * One export at a time. In: the path of a lock file. Out: the lock, or an error that names who holds it. Law: a process that died holds
 * nothing, however it died; a process that lives is never robbed.
 */
import { randomUUID } from "node:crypto";
import { link, open, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { ExportError } from "../errors.ts";
import { hasCode } from "./data-file.ts";

const ownerSchema = z.object({ pid: z.int().positive(), host: z.string(), started: z.string().nullable(), id: z.string() });
type Owner = z.infer<typeof ownerSchema>;

/** A lock file is one line: more is none of ours. */
const MAX_BYTES = 1024;

/** Rounds of finding a dead owner, removing its lock and being overtaken by another who did the same. */
const ATTEMPTS = 5;

/** A lock that is held until it is released. */
export interface Lock {
  /** @throws ExportError `export/busy` when the file is no longer ours */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** Takes the lock at `path`, whose folder exists. @throws ExportError `export/busy` */
export async function takeLock(path: string): Promise<Lock> {
  const own: Owner = { pid: process.pid, host: hostname(), started: await startOf(process.pid), id: randomUUID() };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await create(path, JSON.stringify(own))) return held(path, own);
    const owner = await read(path);
    if (owner === undefined) continue; // released meanwhile
    if (await lives(owner)) throw busy(path, owner);
    await removeStale(path, owner);
  }
  throw busy(path, (await read(path)) ?? null);
}

function held(path: string, own: Owner): Lock {
  const check = async (): Promise<void> => {
    const owner = await read(path);
    if (owner?.id !== own.id) throw busy(path, owner ?? null);
  };
  return { check, release: () => check().then(() => rm(path, { force: true })) };
}

async function create(path: string, content: string): Promise<boolean> {
  // Written under another name and linked: nobody ever sees a lock without its owner.
  const temporary = `${path}-${randomUUID()}`;
  const handle = await open(temporary, "wx");
  try {
    await handle.writeFile(content);
    await link(temporary, path);
    return true;
  } catch (cause) {
    if (hasCode(cause, "EEXIST")) return false;
    throw cause;
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}

/** The owner; null when the file does not say, undefined when there is none. */
async function read(path: string): Promise<Owner | null | undefined> {
  try {
    const text = await readFile(path, "utf8");
    const parsed = text.length > MAX_BYTES ? null : ownerSchema.safeParse(JSON.parse(text));
    return parsed?.success === true ? parsed.data : null;
  } catch (cause) {
    return hasCode(cause, "ENOENT") ? undefined : null;
  }
}

/** Moves the lock aside; should it turn out to be another's by now, moves it back. */
async function removeStale(path: string, stale: Owner | null): Promise<void> {
  const aside = `${path}-${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return; // somebody else was faster
    throw cause;
  }
  const moved = await read(aside);
  if (moved?.id !== stale?.id) await link(aside, path);
  await rm(aside, { force: true });
}

/** Another machine's process cannot be asked, so it counts as living. A file without an owner comes from no living process of ours. */
async function lives(owner: Owner | null): Promise<boolean> {
  if (owner === null) return false;
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (cause) {
    if (!hasCode(cause, "EPERM")) return false;
  }
  // The number may have been given to another process since.
  return owner.started === (await startOf(owner.pid));
}

/** When a process started, where Linux says so: clock ticks since boot, field 22 of its stat (proc_pid_stat(5)). */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the command's name in brackets, which may itself hold any sign.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

function busy(path: string, owner: Owner | null): ExportError {
  const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
  return new ExportError("export/busy", `${who} is exporting to the same place (${path})`, {
    hint: "wait until it is done, or choose another directory; if it is surely gone, delete that file",
  });
}
