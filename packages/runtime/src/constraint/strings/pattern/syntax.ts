/**
 * The syntax of ECMA-262 patterns with the flag `u`. In: a source that the engine's own RegExp takes. Out: a tree.
 * Law: what is no regular language, and what is newer than this reader, is an error; nothing is guessed.
 */
import { ConstraintError } from "../../../errors.ts";
import type { Where } from "../../where.ts";
import { codePointSet, without, type CodePointSet } from "../code-points.ts";
import { DIGITS, DOT, property, SPACES, WORDS } from "./character-classes.ts";

export type Assertion = "start" | "end" | "boundary" | "no-boundary";

export type PatternNode =
  | { readonly kind: "set"; readonly set: CodePointSet }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly body: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "look"; readonly behind: boolean; readonly negative: boolean; readonly body: PatternNode };

/** Groups within groups; each costs a level of recursion. */
const MAX_DEPTH = 200;

const CONTROL_ESCAPES = new Map([
  ["t", 0x09],
  ["n", 0x0a],
  ["v", 0x0b],
  ["f", 0x0c],
  ["r", 0x0d],
]);

/** @throws ConstraintError constraint/bad-schema, constraint/unsupported, constraint/too-large */
export function parsePattern(source: string, where: Where): PatternNode {
  try {
    new RegExp(source, "u");
  } catch (error) {
    throw new ConstraintError("constraint/bad-schema", `${where.subject}: the pattern at '${where.pointer}' is not valid with the flag u`, {
      pointer: where.pointer,
      hint: error instanceof Error ? error.message : undefined,
      cause: error,
    });
  }
  return new PatternReader(source, where).read();
}

class PatternReader {
  readonly #source: string;
  readonly #where: Where;
  #at = 0;
  #depth = 0;

  constructor(source: string, where: Where) {
    this.#source = source;
    this.#where = where;
  }

  read(): PatternNode {
    const node = this.#disjunction();
    if (this.#at < this.#source.length) this.#refuse(this.#source.slice(this.#at, this.#at + 10));
    return node;
  }

  #disjunction(): PatternNode {
    const options = [this.#alternative()];
    while (this.#take("|")) options.push(this.#alternative());
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #alternative(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !this.#sees("|") && !this.#sees(")")) parts.push(this.#term());
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #term(): PatternNode {
    if (this.#take("^")) return { kind: "assertion", assertion: "start" };
    if (this.#take("$")) return { kind: "assertion", assertion: "end" };
    if (this.#take("\\b")) return { kind: "assertion", assertion: "boundary" };
    if (this.#take("\\B")) return { kind: "assertion", assertion: "no-boundary" };
    const look = this.#sees("(?") && LOOKS.find(([opening]) => this.#take(opening));
    if (look) return { kind: "look", behind: look[1], negative: look[2], body: this.#group() };
    return this.#quantified(this.#atom());
  }

  #atom(): PatternNode {
    if (this.#take("(?:")) return this.#group();
    if (this.#take("(?<")) {
      this.#at = this.#source.indexOf(">", this.#at) + 1;
      return this.#group();
    }
    if (this.#sees("(?")) this.#refuse(this.#source.slice(this.#at, this.#at + 4));
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return { kind: "set", set: this.#class() };
    if (this.#take(".")) return { kind: "set", set: DOT };
    if (this.#take("\\")) return { kind: "set", set: this.#escape() };
    return { kind: "set", set: single(this.#character()) };
  }

  /** What stands between an opening that was read and its `)`. */
  #group(): PatternNode {
    if (++this.#depth > MAX_DEPTH) {
      const { subject, pointer } = this.#where;
      throw new ConstraintError("constraint/too-large", `${subject}: the pattern at '${pointer}' nests more than ${MAX_DEPTH} groups`, {
        pointer,
        hint: "write a flatter pattern",
      });
    }
    const body = this.#disjunction();
    this.#take(")");
    this.#depth--;
    return body;
  }

  #quantified(body: PatternNode): PatternNode {
    const bounds = this.#quantifier();
    if (!bounds) return body;
    // Whether a quantifier is lazy changes which match is found, not whether there is one.
    this.#take("?");
    return { kind: "repeat", body, ...bounds };
  }

  #quantifier(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (!this.#take("{")) return undefined;
    const end = this.#source.indexOf("}", this.#at);
    const [min, max] = this.#source.slice(this.#at, end).split(",");
    this.#at = end + 1;
    return { min: Number(min), max: max === undefined ? Number(min) : max === "" ? Infinity : Number(max) };
  }

  /** The inside of brackets, the closing one included. */
  #class(): CodePointSet {
    const negated = this.#take("^");
    const pairs: number[] = [];
    while (!this.#take("]")) {
      const first = this.#classAtom();
      if (this.#sees("-") && !this.#sees("-]") && first.length === 1) {
        this.#at++;
        const last = this.#classAtom();
        pairs.push(first[0]!, last[0]!);
      } else if (first.length === 1) pairs.push(first[0]!, first[0]!);
      else pairs.push(...first);
    }
    const set = codePointSet(pairs);
    return negated ? without(set) : set;
  }

  /** One code point (perhaps a surrogate, as the end of a range), or the pairs of a set. */
  #classAtom(): readonly number[] {
    if (!this.#take("\\")) return [this.#character()];
    if (this.#take("b")) return [0x08];
    if (this.#take("-")) return [0x2d];
    return this.#setEscape() ?? [this.#characterEscape()];
  }

  /** Behind a backslash, outside of brackets. */
  #escape(): CodePointSet {
    if (/[1-9k]/.test(this.#source[this.#at]!)) this.#refuse("\\" + this.#source[this.#at]!);
    return this.#setEscape() ?? single(this.#characterEscape());
  }

  #setEscape(): CodePointSet | undefined {
    for (const [letter, set] of SETS) if (this.#take(letter)) return set;
    const negated = this.#sees("P{");
    if (!negated && !this.#sees("p{")) return undefined;
    const end = this.#source.indexOf("}", this.#at);
    const set = property(this.#source.slice(this.#at + 2, end));
    this.#at = end + 1;
    return negated ? without(set) : set;
  }

  #characterEscape(): number {
    const letter = String.fromCodePoint(this.#character());
    const control = CONTROL_ESCAPES.get(letter);
    if (control !== undefined) return control;
    if (letter === "c") return this.#character() % 32;
    if (letter === "0") return 0;
    if (letter === "x") return this.#hex(2);
    return letter === "u" ? this.#unicode() : letter.codePointAt(0)!;
  }

  #unicode(): number {
    if (this.#take("{")) {
      const end = this.#source.indexOf("}", this.#at);
      const value = this.#hex(end - this.#at);
      this.#at++;
      return value;
    }
    const unit = this.#hex(4);
    const low = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.#source.slice(this.#at, this.#at + 6));
    if (unit < 0xd800 || unit > 0xdbff || !low) return unit;
    this.#at += 6;
    return String.fromCharCode(unit, parseInt(low[1]!, 16)).codePointAt(0)!;
  }

  #hex(digits: number): number {
    const value = parseInt(this.#source.slice(this.#at, this.#at + digits), 16);
    this.#at += digits;
    return value;
  }

  #character(): number {
    const codePoint = this.#source.codePointAt(this.#at)!;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  #refuse(what: string): never {
    const { subject, pointer } = this.#where;
    throw new ConstraintError("constraint/unsupported", `${subject}: '${what}' in the pattern at '${pointer}' is not compiled`, {
      pointer,
      hint: "write the pattern without references to groups and without modifiers",
    });
  }
}

const LOOKS = [
  ["(?=", false, false],
  ["(?!", false, true],
  ["(?<=", true, false],
  ["(?<!", true, true],
] as const;

const SETS: readonly (readonly [string, CodePointSet])[] = [
  ["d", DIGITS],
  ["D", without(DIGITS)],
  ["w", WORDS],
  ["W", without(WORDS)],
  ["s", SPACES],
  ["S", without(SPACES)],
];

/** Nothing, when it is a surrogate. */
function single(codePoint: number): CodePointSet {
  return codePoint >= 0xd800 && codePoint < 0xe000 ? [] : [codePoint, codePoint];
}
