/**
 * The one folder that file tools may touch. In: a root and paths from a model. Out: absolute paths that are really below the root.
 * Law: no `..`, no absolute path and no symbolic link leads out; every path is checked after its links are resolved. A link that
 * somebody else swaps in between check and use is caught at the last name only (files are opened without following links).
 */
import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { FileError } from "./file-error.ts";

/** Linux's PATH_MAX. */
const MAX_PATH_LENGTH = 4096;
/** Largest file that is read or written: more is nothing that a conversation holds. */
export const MAX_FILE_BYTES = 1_000_000;

export interface Workspace {
  /** Absolute, links resolved. */
  readonly root: string;
  /** An existing file or folder below the root, links resolved. @throws FileError `tool/not-found`, `tool/outside` */
  existing(path: string): Promise<string>;
  /** Where a file may be written: not through a link, not outside. Its folders may be missing. @throws FileError `tool/outside`, `tool/not-a-file` */
  writable(path: string): Promise<string>;
  /** Text of a file. @throws FileError `tool/not-found`, `tool/outside`, `tool/not-a-file`, `tool/too-large`, `tool/binary` */
  read(path: string): Promise<string>;
  /** Writes a file whole or not at all (a temporary file beside it, then rename), and makes missing folders. Resolves to its bytes. */
  write(path: string, content: string): Promise<number>;
  /** A path as the model sees it: relative to the root, with `/`. */
  display(absolute: string): string;
}

/** @throws FileError `tool/not-found`, `tool/not-a-folder` for the root itself */
export async function openWorkspace(folder: string): Promise<Workspace> {
  const root = await realpath(resolve(folder)).catch((error: unknown) => {
    throw new FileError("tool/not-found", `folder not found: ${folder}`, { cause: error });
  });
  if (!(await stat(root)).isDirectory()) throw new FileError("tool/not-a-folder", `not a folder: ${folder}`);

  const display = (absolute: string): string => relative(root, absolute).split(sep).join("/") || ".";

  async function existing(path: string): Promise<string> {
    const real = await realpath(lexical(root, path)).catch((error: unknown) => {
      throw fileError(error, path);
    });
    if (!contains(root, real)) throw outside();
    return real;
  }

  async function writable(path: string): Promise<string> {
    const target = lexical(root, path);
    if (target === root) throw new FileError("tool/not-a-file", "not a file");
    // Links among the folders that exist are resolved; those that do not exist cannot be links.
    let folderPath = dirname(target);
    const missing: string[] = [basename(target)];
    for (;;) {
      const real = await realpath(folderPath).catch((error: unknown) => {
        if (codeOf(error) === "ENOENT") return undefined;
        throw fileError(error, path);
      });
      if (real !== undefined) {
        if (!contains(root, real)) throw outside();
        const safe = join(real, ...missing);
        const info = await lstat(safe).catch(() => undefined);
        if (info?.isSymbolicLink()) throw new FileError("tool/outside", "path is a symbolic link");
        if (info !== undefined && !info.isFile()) throw new FileError("tool/not-a-file", "not a file");
        return safe;
      }
      // A dangling link is no missing folder: mkdir would make what it points to.
      if ((await lstat(folderPath).catch(() => undefined)) !== undefined) throw outside();
      missing.unshift(basename(folderPath));
      folderPath = dirname(folderPath);
    }
  }

  async function read(path: string): Promise<string> {
    const bytes = await readBounded(await existing(path), path);
    if (isBinary(bytes)) throw new FileError("tool/binary", "not a text file");
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  async function write(path: string, content: string): Promise<number> {
    const bytes = Buffer.from(content, "utf8");
    if (bytes.length > MAX_FILE_BYTES) throw new FileError("tool/too-large", `content larger than ${MAX_FILE_BYTES} bytes`);
    const target = await writable(path);
    await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => {
      throw fileError(error, path);
    });
    const mode = await stat(target).then(
      (info) => info.mode & 0o777,
      () => undefined,
    );
    await replaceFile(target, bytes, mode, path);
    return bytes.length;
  }

  return { root, existing, writable, read, write, display };
}

/** The path joined to the root, without looking at the disk. */
function lexical(root: string, path: string): string {
  if (path.includes("\0") || path.length > MAX_PATH_LENGTH) throw new FileError("tool/bad-path", "not a path");
  const absolute = resolve(root, path.trim() === "" ? "." : path);
  if (!contains(root, absolute)) throw outside();
  return absolute;
}

function contains(root: string, path: string): boolean {
  const inner = relative(root, path);
  return inner === "" || (inner !== ".." && !inner.startsWith(`..${sep}`) && !isAbsolute(inner));
}

async function readBounded(real: string, path: string): Promise<Uint8Array> {
  // Non-blocking, so that a pipe with the name of a file cannot hang the read; without following a link put there since the check.
  const file = await open(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)).catch((error: unknown) => {
    throw fileError(error, path);
  });
  try {
    const info: Stats = await file.stat();
    if (!info.isFile()) throw new FileError("tool/not-a-file", "not a file");
    if (info.size > MAX_FILE_BYTES) throw new FileError("tool/too-large", `file larger than ${MAX_FILE_BYTES} bytes`);
    // Not readFile: a file may grow after its size was looked at.
    const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.slice(0, length);
      length += bytesRead;
      if (length > MAX_FILE_BYTES) throw new FileError("tool/too-large", `file larger than ${MAX_FILE_BYTES} bytes`);
    }
  } finally {
    await file.close();
  }
}

async function replaceFile(target: string, bytes: Uint8Array, mode: number | undefined, path: string): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomUUID()}`);
  try {
    const file = await open(temporary, "wx", mode ?? 0o666);
    try {
      await file.writeFile(bytes);
      if (mode !== undefined) await file.chmod(mode); // what the umask took away
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path);
  }
}

/** A zero byte in the first 8,000, as git decides it. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8000).includes(0);
}

function outside(): FileError {
  return new FileError("tool/outside", "path is outside the working directory");
}

function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Node's file errors in the words of a tool; a FileError passes through. */
function fileError(error: unknown, path: string): FileError {
  if (error instanceof FileError) return error;
  const code = codeOf(error);
  if (code === "ENOENT") return new FileError("tool/not-found", `file not found: ${path}`, { cause: error });
  if (code === "EISDIR") return new FileError("tool/not-a-file", "not a file", { cause: error });
  if (code === "ENOTDIR") return new FileError("tool/not-a-folder", "not a folder", { cause: error });
  if (code === "ELOOP") return new FileError("tool/outside", "path is a symbolic link", { cause: error });
  if (code === "EACCES" || code === "EPERM") return new FileError("tool/no-permission", `no permission: ${path}`, { cause: error });
  return new FileError("tool/io", `cannot use ${path}: ${code ?? "unknown error"}`, { cause: error });
}
