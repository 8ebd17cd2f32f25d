/** Where two JSON values differ. In: what was expected, what was found. Out: a few short lines with paths, for people. */
import { isJsonObject, type Json } from "@orrery/chat";

const MAX_LINES = 5;
/** Around the place where two texts part. */
const CONTEXT = 24;
const MAX_VALUE = 120;

/** Are they the same JSON? A property that is undefined counts as absent; where an object was made does not count. */
export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  const others = Object.keys(b).filter((key) => b[key] !== undefined);
  return keys.length === others.length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

/** Empty where they are equal. */
export function differences(expected: Json | undefined, found: Json | undefined): readonly string[] {
  const lines: string[] = [];
  compare(expected, found, "", lines);
  return lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`] : lines;
}

function compare(expected: Json | undefined, found: Json | undefined, path: string, lines: string[]): void {
  if (isSame(expected, found)) return;
  if (Array.isArray(expected) && Array.isArray(found)) {
    for (let i = 0; i < Math.max(expected.length, found.length); i++) compare(expected[i], found[i], `${path}[${i}]`, lines);
    return;
  }
  if (isJsonObject(expected) && isJsonObject(found)) {
    const own = (object: typeof expected, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)]))
      compare(own(expected, key), own(found, key), path ? `${path}.${key}` : key, lines);
    return;
  }
  lines.push(`${path || "the whole"}: ${parting(expected, found)}`);
}

function parting(expected: Json | undefined, found: Json | undefined): string {
  if (typeof expected !== "string" || typeof found !== "string") return `expected ${shown(expected)}, found ${shown(found)}`;
  let at = 0;
  while (at < expected.length && expected[at] === found[at]) at++;
  const from = Math.max(0, at - CONTEXT);
  const part = (text: string): string => `${from > 0 ? "…" : ""}${text.slice(from, at + CONTEXT)}${at + CONTEXT < text.length ? "…" : ""}`;
  return `expected ${JSON.stringify(part(expected))}, found ${JSON.stringify(part(found))} (from character ${at} on)`;
}

function shown(value: Json | undefined): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
