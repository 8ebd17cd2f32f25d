/**
 * What stands ahead in a call. In: the input and the brackets that are open. Out: whether a quote can be the end of its string, whether
 * a key or a marker begins. Law: behind the end of a string that is spelled as its format wants, structure is always found; nothing is
 * read, and only a bounded stretch is looked at.
 */
import { BOUNDARIES, RAW_QUOTES } from "./format.ts";
import type { Input, Reading } from "./input.ts";

/** `structure`: what follows a value. `key`: a key without a comma before it. `other`: neither. */
export type Following = "structure" | "key" | "other";

const MAX_KEY = 1024;
const MAX_NAME = 64;

const KEY_START = /[\p{L}_$@]/u;
const KEY_PART = /[\p{L}\p{N}_$@.-]/u;

/** The quotes that a string or a key may stand between. A triple one comes before its single. */
const QUOTES = [...RAW_QUOTES, '"""', "'''", '"', "'", "`"] as const;

export interface Quote {
  readonly text: string;
  /** A marker: the text inside has no escapes. */
  readonly raw: boolean;
  /** `\` escapes as in JSON. */
  readonly escapes: boolean;
  /** What may be other than text inside. */
  readonly stops: RegExp;
}

const QUOTE_OF: ReadonlyMap<string, Quote> = new Map(
  QUOTES.map((text) => {
    const raw = text.startsWith("<");
    return [text, { text, raw, escapes: !raw && text !== "`", stops: raw ? /</g : new RegExp(`[<\\\\${text.charAt(0)}]`, "g") }];
  }),
);

export function isCloser(char: string): boolean {
  return char === "}" || char === "]" || char === ")";
}

export class Lookahead {
  readonly #input: Input;
  readonly #levels: readonly string[];

  constructor(input: Input, levels: readonly string[]) {
    this.#input = input;
    this.#levels = levels;
  }

  *quote(offset = 0): Reading<Quote | undefined> {
    const char = yield* this.#input.peek(offset);
    if (!"<\"'`".includes(char) || char === "") return undefined;
    for (const text of QUOTES) if (text.startsWith(char) && (yield* this.#input.sees(text, offset))) return QUOTE_OF.get(text);
    return undefined;
  }

  /** What ends a call, whatever is open. */
  *boundary(offset = 0): Reading<boolean> {
    return (yield* this.#input.peek(offset)) === "<" && (yield* this.#input.oneOf(BOUNDARIES, offset)) !== undefined;
  }

  /** Whether only white space is left before the text ends, or before a marker that ends a call. */
  *endsHere(offset: number): Reading<boolean> {
    const at = yield* this.#input.behindSpace(offset);
    return (yield* this.#input.peek(at)) === "" || (yield* this.boundary(at));
  }

  /** Whether the key between quotes ends with a quote that ends at `offset`. */
  *endsKey(offset: number): Reading<boolean> {
    const char = yield* this.#input.peek(yield* this.#input.behindSpace(offset));
    return char === ":" || char === "=" || char === "";
  }

  /** What follows a value that ends at `offset`. `raw`: it is a string between markers. */
  *afterValue(offset: number, raw: boolean): Reading<Following> {
    const input = this.#input;
    let depth = this.#levels.length;
    let at = yield* input.behindSpace(offset);
    let char = yield* input.peek(at);
    if (!raw && char === "<") {
      const stray = yield* input.oneOf(RAW_QUOTES, at);
      if (stray !== undefined) at = yield* input.behindSpace(at + stray.length);
      char = yield* input.peek(at);
    }
    while (isCloser(char) && depth > 0) {
      depth = this.#levels.lastIndexOf(char, depth - 1);
      if (depth < 0) return "other";
      const next = yield* input.behindSpace(at + 1);
      char = yield* input.peek(next);
      if (depth === 0) return !raw || next > at + 1 || (yield* this.#canFollowCall(next)) ? "structure" : "other";
      at = next;
    }
    if (char === "") return "structure";
    const inList = this.#levels[depth - 1] === "]";
    if (char === ",") return inList || (yield* this.#continuesObject(at + 1, raw)) ? "structure" : "other";
    if (yield* this.boundary(at)) return "structure";
    if (inList) return (yield* this.quote(at)) || char === "{" || char === "[" ? "key" : "other";
    return (yield* this.name(at)) ? "key" : "other";
  }

  /** Whether a plain key and its colon or equals sign stand at `offset`. */
  *name(offset: number): Reading<boolean> {
    const input = this.#input;
    if (!KEY_START.test(yield* input.peek(offset))) return false;
    let at = offset + 1;
    while (at - offset < MAX_NAME && KEY_PART.test(yield* input.peek(at))) at++;
    at = yield* input.behindSpace(at);
    const char = yield* input.peek(at);
    return char === "=" || (char === ":" && !(yield* input.sees("//", at + 1)));
  }

  /** Whether a value stands at `offset` that nobody would take for the rest of a key. */
  *plainValue(offset: number): Reading<boolean> {
    const at = yield* this.#input.behindSpace(offset);
    if (yield* this.quote(at)) return true;
    if (/[-\d{[]/.test(yield* this.#input.peek(at))) return true;
    return (yield* this.#input.oneOf(["true", "True", "false", "False", "null", "None"], at)) !== undefined;
  }

  *#canFollowCall(offset: number): Reading<boolean> {
    const char = yield* this.#input.peek(offset);
    if (char === "<") return (yield* this.#input.oneOf(RAW_QUOTES, offset)) === undefined;
    return char === "" || "}]),;".includes(char) || (yield* this.#input.sees("call:", offset));
  }

  /** What may stand behind a comma in an object. */
  *#continuesObject(offset: number, raw: boolean): Reading<boolean> {
    const input = this.#input;
    const at = yield* input.behindSpace(offset);
    const char = yield* input.peek(at);
    if (char === "" || char === "," || isCloser(char)) return true;
    if ((yield* this.quote(at)) || (yield* this.boundary(at))) return true;
    return raw ? yield* this.#anyKey(at) : yield* this.name(at);
  }

  /** Whether a key as Gemma 4 spells it, of any characters but `:` and `}`, and its colon stand at `offset`. */
  *#anyKey(offset: number): Reading<boolean> {
    for (let at = offset; at - offset < MAX_KEY; at++) {
      const char = yield* this.#input.peek(at);
      if (char === ":") return true;
      if (char === "" || char === "}") return false;
      if (char === "=" && (yield* this.plainValue(at + 1))) return true;
      if (char === "<" && (yield* this.#input.oneOf(RAW_QUOTES, at)) !== undefined) return false;
    }
    return false;
  }
}
