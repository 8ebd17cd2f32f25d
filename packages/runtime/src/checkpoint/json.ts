/**
 * JSON from untrusted bytes. In: bytes and the file they came from. Out: a plain value. Law: what is not UTF-8, not JSON, nested too
 * deep or says one key twice is a CheckpointError, never a stack overflow and never "the last one wins".
 */
import { isUtf8 } from "node:buffer";
import { CheckpointError } from "../errors.ts";
import { WeightFile } from "./weight-file.ts";

/** A tokenizer.json nests 8 deep, a config.json 4; more is an attack. */
const MAX_DEPTH = 64;

/** Gemma's tokenizer.json, the largest seen, has 33 MB. */
const MAX_JSON_BYTES = 100_000_000;

const HINT = "the file is damaged or is not what its name says; fetch it again";

/** A name out of a file, fit for a message: quoted, control characters escaped, at most 200 characters. */
export function quoted(name: unknown): string {
  const text = typeof name === "number" || typeof name === "bigint" ? String(name) : (JSON.stringify(name, bigintAsText) ?? String(name));
  // JSON leaves DEL and the C1 controls as they are; a terminal would obey them.
  const visible = text.replace(/[\u007f-\u009f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return visible.length > 200 ? `${visible.slice(0, 200)}…` : visible;
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

/** @throws CheckpointError `checkpoint/bad-json`, `checkpoint/duplicate` */
export function parseJson(bytes: Uint8Array, file: string, what: string): unknown {
  if (!isUtf8(bytes)) throw new CheckpointError("checkpoint/bad-json", `${file}: the ${what} is not UTF-8`, { hint: HINT });
  const text = new TextDecoder().decode(bytes);
  checkKeysAndDepth(text, file, what);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? quoted(cause.message).slice(1, -1) : "";
    throw new CheckpointError("checkpoint/bad-json", `${file}: the ${what} is not JSON: ${reason}`, { hint: HINT, cause });
  }
}

/** @throws CheckpointError as {@link parseJson}, and `checkpoint/missing-file`, `checkpoint/too-large` */
export async function readJsonFile(path: string): Promise<unknown> {
  const file = await WeightFile.open(path);
  try {
    if (file.size > MAX_JSON_BYTES) {
      throw new CheckpointError("checkpoint/too-large", `${path}: ${file.size} bytes of JSON, expected at most ${MAX_JSON_BYTES}`, {
        hint: HINT,
      });
    }
    return parseJson(file.read(0, file.size), path, "file");
  } finally {
    await file.close();
  }
}

/** As {@link readJsonFile}, for a file that must hold an object. */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  const value = await readJsonFile(path);
  if (isRecord(value)) return value;
  throw new CheckpointError(
    "checkpoint/bad-json",
    `${path}: found ${Array.isArray(value) ? "a list" : quoted(value)}, expected an object`,
    {
      hint: HINT,
    },
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One pass that needs no valid JSON: strings are skipped, brackets counted, and the keys of each open object kept. */
function checkKeysAndDepth(text: string, file: string, what: string): void {
  const open: { readonly keys: Set<string> | null; last: string }[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x7b || c === 0x5b) {
      open.push({ keys: c === 0x7b ? new Set() : null, last: "" });
      if (open.length > MAX_DEPTH) {
        const path = open.flatMap((level) => (level.keys === null ? [] : [quoted(level.last)])).join(".");
        throw new CheckpointError("checkpoint/bad-json", `${file}: the ${what} is nested more than ${MAX_DEPTH} deep, under ${path}`, {
          hint: HINT,
        });
      }
    } else if (c === 0x7d || c === 0x5d) {
      open.pop();
    } else if (c === 0x22) {
      const end = endOfString(text, i);
      const level = open.at(-1);
      if (level?.keys && isColonNext(text, end)) {
        const key = unescaped(text.slice(i, end));
        if (level.keys.has(key)) {
          throw new CheckpointError("checkpoint/duplicate", `${file}: the ${what} names ${quoted(key)} twice`, { hint: HINT });
        }
        level.keys.add(key);
        level.last = key;
      }
      i = end - 1;
    }
  }
}

/** Index after the closing quote of the string that opens at `start`; the text's end when it never closes. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; ;) {
    const quote = text.indexOf('"', i);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    i = quote + 1;
  }
}

function isColonNext(text: string, at: number): boolean {
  let c = text.charCodeAt(at);
  while (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) c = text.charCodeAt(++at);
  return c === 0x3a;
}

function unescaped(raw: string): string {
  if (!raw.includes("\\")) return raw.slice(1, -1);
  try {
    return String(JSON.parse(raw));
  } catch {
    return raw; // Not JSON: the parser that follows says so.
  }
}
