/** A surface: how values are spelt. Formulas know nothing of it; values/ joins the two. */
import type { Json } from "@orrery/chat";
import type { Part, Symbol } from "./part.ts";
import type { Language } from "./strings/index.ts";
import type { Where } from "./where.ts";

export interface Surface {
  /** What stands between two items or properties. */
  readonly comma: readonly Symbol[];
  /** What begins and ends a string, and nothing else that begins so. */
  readonly delimiter: Symbol;
  /** A string of the language, with its delimiters. */
  string(language: Language): Part;
  /**
   * A property's name and what stands between it and its value.
   * @throws ConstraintError `constraint/unsupported` when the syntax cannot spell the name
   */
  key(name: string, where: Where): readonly Symbol[];
  /** Names that are not known beforehand: what stands before and behind one, how it is spelt, and which the syntax can spell at all. */
  readonly freeKey: {
    readonly open: readonly Symbol[];
    readonly close: readonly Symbol[];
    readonly spelling: "json" | "plain";
    readonly names: Language;
    /** A token that ends two names has at least so many of the byte with which `close` begins. */
    readonly repeats: number;
  };
  /** The order in which known names are written, where they have one. */
  order(names: readonly string[]): readonly string[];
  /** The value that a complete spelling stands for. */
  read(symbols: readonly Symbol[]): Json;
}

const UTF8 = new TextEncoder();

/** Text as symbols. */
export function bytes(text: string): readonly Symbol[] {
  return [...UTF8.encode(text)];
}
