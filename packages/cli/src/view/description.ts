/** Facts about a model as aligned lines. In: a plain object, as the runtime describes exports and checkpoints. Out: one line a fact. */
import { printableLine } from "./printable.ts";
import { pad } from "./width.ts";
import { bytes } from "./numbers.ts";

/** Names of facts that count bytes. */
const BYTES = /bytes|memory|cachePerToken|fullContext/i;
/** Longer lists are counted instead of shown. */
const MAX_LISTED = 12;

/** `parameters.total   161,208,000`, and so on; nested objects become dotted names. */
export function descriptionLines(description: object): readonly string[] {
  const facts = flatten(description, "");
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${pad(name, width)}  ${value}`);
}

function flatten(value: object, prefix: string): (readonly [string, string])[] {
  return Object.entries(value).flatMap(([key, fact]: [string, unknown]): (readonly [string, string])[] => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof fact === "object" && fact !== null && !Array.isArray(fact)) return flatten(fact, name);
    return [[printableLine(name), shown(name, fact)]];
  });
}

function shown(name: string, fact: unknown): string {
  if (Array.isArray(fact))
    return fact.length > MAX_LISTED ? `${fact.length} entries` : fact.map((each: unknown) => shown(name, each)).join(", ");
  if (typeof fact === "object" && fact !== null)
    return Object.entries(fact)
      .map(([key, value]: [string, unknown]) => (typeof value === "string" ? shown(key, value) : `${key} ${shown(key, value)}`))
      .join(" ");
  if (typeof fact !== "number") return printableLine(String(fact));
  return BYTES.test(name) ? bytes(fact) : fact.toLocaleString("en-US", { maximumFractionDigits: 6 });
}
