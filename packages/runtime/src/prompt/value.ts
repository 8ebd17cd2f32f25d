/**
 * JSON values in the native call syntax (Gemma 4, FunctionGemma): strings between quote tokens without any escaping, bare keys in
 * alphabetical order, the rest as in JSON. In: a value and the quote token. Out: segments. Law: `{a:1,b:<|"|>x<|"|>}` reads back as the
 * value it was made of.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import { PromptError } from "../errors.ts";
import type { SegmentWriter } from "./segments.ts";

/** Levels of objects and arrays in one value, written or read. Real inputs have fewer than ten; it bounds the parser's stack. */
export const MAX_VALUE_DEPTH = 64;

/** A key that the bare spelling cannot carry: the reader ends a key at `:`, an object at `}`, and skips white space before a key. */
const NEEDS_QUOTES = /^$|[:}]|^[\s]/;

/**
 * @param quote the token before and after a string
 * @param depth objects and arrays around the value
 * @throws PromptError `prompt/too-deep`, `prompt/not-json`
 */
export function writeValue(out: SegmentWriter, value: Json, quote: string, depth = 0): void {
  if (typeof value === "string") writeString(out, value, quote);
  else if (value === null || typeof value === "boolean") out.text(String(value));
  else if (typeof value === "number" && Number.isFinite(value)) out.text(String(value));
  else if (Array.isArray(value)) writeArray(out, value, quote, depth);
  else if (isJsonObject(value)) writeObject(out, value, quote, depth);
  else
    throw new PromptError("prompt/not-json", `a value is ${typeof value} (${String(value)}), which JSON does not have`, {
      hint: "turn it into JSON first: a finite number, a string, a list or a plain object",
    });
}

/** An object with its braces. Properties that are undefined are left out. */
export function writeObject(out: SegmentWriter, object: JsonObject, quote: string, depth = 0): void {
  checkDepth(depth);
  out.text("{");
  let comma = "";
  for (const [key, value] of sortedEntries(object)) {
    if (value === undefined) continue;
    out.text(comma);
    if (NEEDS_QUOTES.test(key)) writeString(out, key, quote);
    else out.text(key);
    out.text(":");
    writeValue(out, value, quote, depth + 1);
    comma = ",";
  }
  out.text("}");
}

function writeArray(out: SegmentWriter, items: readonly Json[], quote: string, depth: number): void {
  checkDepth(depth);
  out.text("[");
  items.forEach((item, at) => {
    if (at > 0) out.text(",");
    writeValue(out, item, quote, depth + 1);
  });
  out.text("]");
}

function checkDepth(depth: number): void {
  if (depth >= MAX_VALUE_DEPTH)
    throw new PromptError("prompt/too-deep", `a value has more than ${MAX_VALUE_DEPTH} levels`, {
      hint: "flatten the tool result or pass it as text",
    });
}

export function writeString(out: SegmentWriter, text: string, quote: string): void {
  out.control(quote).text(text).control(quote);
}

/** Entries by key, without regard to case, as Jinja's `dictsort` orders them; keys equal but for case keep their order. */
export function sortedEntries<T>(object: { readonly [key: string]: T }): [string, T][] {
  return Object.entries(object)
    .map((entry): [string, [string, T]] => [entry[0].toLowerCase(), entry])
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, entry]) => entry);
}
