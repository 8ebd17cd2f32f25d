/**
 * One at a time in a folder. In: the folder. Out: the lock, or an error that names who holds it. Law: a process that died holds nothing,
 * however it died; a process that lives is never robbed; two never hold it at once.
 *
 * Whoever wants the lock puts up a file of its own and then looks for those of others: of two, the later one to look sees the other's.
 * A name is never used twice, so a dead process's file can be removed without a thought of what came meanwhile.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ExportError } from "../errors.ts";
import { hasCode } from "./data-file.ts";

/** Who wants or holds the lock; all of it is in the name of its file, so that there is no moment without it. */
interface Owner {
  readonly file: string;
  readonly pid: number;
  /** When the process started, where that is known. */
  readonly started: string;
  readonly host: string;
}

const NAME = /^lock\.(\d{1,10})\.(\d+|unknown)\.[0-9a-f-]{36}\.([^/]+)$/;

/** Those who ask at the same moment see each other, step back and ask again, each after a time of its own. */
const ATTEMPTS = 20;
const PAUSE_MS = 20;

/** A lock that is held until it is released. */
export interface Lock {
  /** @throws ExportError `export/busy` when the file was removed by somebody */
  check(): Promise<void>;
  release(): Promise<void>;
}

/** Takes the lock of a folder, which is made if need be. @throws ExportError `export/busy` */
export async function takeLock(folder: string): Promise<Lock> {
  const host = hostname();
  const started = await startOf(process.pid);
  for (let attempt = 1; ; attempt++) {
    const own = `lock.${process.pid}.${started}.${randomUUID()}.${encodeURIComponent(host)}`;
    const other = await putUp(folder, own).then(() => otherOwner(folder, own, host));
    if (other === null) return held(folder, own);
    await rm(join(folder, own), { force: true });
    if (attempt === ATTEMPTS) throw busy(folder, other);
    await setTimeout(PAUSE_MS * Math.random());
  }
}

/** Makes the file, and before it the folder, which whoever released the lock may just have removed. */
async function putUp(folder: string, own: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(folder, { recursive: true });
    try {
      return await writeFile(join(folder, own), "", { flag: "wx" });
    } catch (cause) {
      if (attempt === ATTEMPTS || !hasCode(cause, "ENOENT")) throw cause;
    }
  }
}

function held(folder: string, own: string): Lock {
  const path = join(folder, own);
  const check = async (): Promise<void> => {
    await stat(path).catch((cause: unknown) => {
      if (hasCode(cause, "ENOENT")) throw busy(folder, null);
      throw cause;
    });
  };
  return { check, release: () => rm(path, { force: true }) };
}

/** Somebody else who lives; removes the files of those who do not. */
async function otherOwner(folder: string, own: string, host: string): Promise<Owner | null> {
  for (const owner of (await readdir(folder)).map(ownerOf)) {
    if (owner === null || owner.file === own) continue;
    if (await lives(owner, host)) return owner;
    await rm(join(folder, owner.file), { force: true });
  }
  return null;
}

function ownerOf(file: string): Owner | null {
  const [, pid, started, host] = NAME.exec(file) ?? [];
  return pid === undefined || started === undefined || host === undefined ? null : { file, pid: Number(pid), started, host };
}

/** Another machine's process cannot be asked, so it counts as living. */
async function lives({ pid, started, host }: Owner, here: string): Promise<boolean> {
  if (host !== encodeURIComponent(here)) return true;
  if (pid === 0) return false; // to signal 0 is to signal ourselves
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if (!hasCode(cause, "EPERM")) return false;
  }
  const now = await startOf(pid);
  return started === now || started === "unknown" || now === "unknown"; // else the number was given to another process since
}

/** When a process started, where Linux says so: clock ticks since boot, field 22 of its stat (proc_pid_stat(5)). */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the command's name in brackets, which may itself hold any sign.
  const started = text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return /^\d+$/.test(started) ? started : "unknown";
}

function busy(folder: string, owner: Owner | null): ExportError {
  const who = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
  return new ExportError("export/busy", `${who} is exporting to the same place (${join(folder, owner?.file ?? "")})`, {
    hint: "wait until it is done, or choose another directory; if it is surely gone, delete that file",
  });
}
