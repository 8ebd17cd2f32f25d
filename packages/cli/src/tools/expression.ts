/**
 * Arithmetic expressions, evaluated exactly. In: text such as `47*24`, `12% of 340`, `(1 + 2)^3`. Out: a fraction.
 *
 *     sum     = product (("+" | "-") product)*            a bare percentage is of what stands left of it: 200 + 10% = 220
 *     product = unary (("*" | "/" | "of" | "mod" | "%") unary)*      "%" is the remainder where an operand follows it
 *     unary   = ("-" | "+") unary | power
 *     power   = postfix (("^" | "**") unary)?             right-associative, binds tighter than the sign: -2^2 = -4
 *     postfix = primary "%"*
 *     primary = number | "pi" | "(" sum ")" | ("sqrt" | "abs" | "floor" | "ceil" | "round") "(" sum ")"
 */
import Fraction from "fraction.js";
import { bitLength, bounded, fromNumber, MAX_BITS, parseDecimal, squareRoot } from "./rational.ts";
import { ToolError } from "./tool-error.ts";

/** Longer input is no arithmetic that somebody typed. */
const MAX_LENGTH = 500;
/** Brackets and signs may nest this deep; keeps the recursion far from the stack's end. */
const MAX_DEPTH = 60;

const PI = parseDecimal("3.14159265358979323846264338327950288");
const HUNDRED = new Fraction(100n, 1n);

const FUNCTIONS: ReadonlyMap<string, (value: Fraction) => Fraction> = new Map([
  ["sqrt", squareRoot],
  ["abs", (value: Fraction) => value.abs()],
  ["floor", (value: Fraction) => value.floor()],
  ["ceil", (value: Fraction) => value.ceil()],
  ["round", (value: Fraction) => value.round()],
]);

const TOKEN = /\s*(?:(\d[\d,]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z]+|√|π)|(\*\*|[-+*/^%()]))/y;
const GROUPED = /^\d{1,3}(,\d{3})+(?![\d,])/;
const SAME: Readonly<Record<string, string>> = { "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "²": " ^2 ", "³": " ^3 " };

/** The characters that an expression has: no `=`, no currency, no words between. */
export const WRITTEN = /^[-+*/^%()., 0-9A-Za-z×·÷−–²³√π]+$/;

type Token = { readonly kind: "number" | "name" | "sign" | "end"; readonly text: string };
/** A value, and whether it was written as a bare percentage. */
type Term = { readonly value: Fraction; readonly percent: boolean };

/** @throws ToolError `tool/bad-expression`, `tool/division-by-zero`, `tool/undefined`, `tool/too-large` */
export function evaluate(text: string): Fraction {
  if (text.length > MAX_LENGTH) throw new ToolError("tool/too-large", `expression longer than ${MAX_LENGTH} characters`);
  const parser = new Parser(tokenize(text.replace(/[×·÷−–²³]/g, (sign) => SAME[sign] ?? sign)));
  return parser.whole();
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.trimEnd().length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match)
      throw new ToolError(
        "tool/bad-expression",
        `unexpected '${String.fromCodePoint(text.trimEnd().slice(at).trimStart().codePointAt(0) ?? 63)}'`,
      );
    at = TOKEN.lastIndex;
    const [, number, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: ungrouped(number) });
    else if (name === "x" || name === "X") tokens.push({ kind: "sign", text: "*" });
    else if (name !== undefined) tokens.push({ kind: "name", text: name.toLowerCase() });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign === "**" ? "^" : sign });
  }
  return tokens;
}

/** `1,128` is 1128; a comma anywhere else is an error. */
function ungrouped(number: string): string {
  if (!number.includes(",")) return number;
  if (!GROUPED.test(number)) throw new ToolError("tool/bad-expression", `not a number: ${number}`);
  return number.replaceAll(",", "");
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Fraction {
    const { value } = this.#sum();
    if (this.#next.kind !== "end") throw this.#unexpected();
    return value;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "end" };
  }

  #take(text: string): boolean {
    if (this.#next.kind === "end" || this.#next.text !== text) return false;
    this.#at++;
    return true;
  }

  #sum(): Term {
    let left = this.#product();
    for (;;) {
      const minus = this.#next.text === "-";
      if (!this.#take("+") && !this.#take("-")) return left;
      const right = this.#product();
      const step = right.percent && !left.percent ? left.value.mul(right.value) : right.value;
      left = { value: bounded(minus ? left.value.sub(step) : left.value.add(step)), percent: left.percent && right.percent };
    }
  }

  #product(): Term {
    let left = this.#unary();
    for (;;) {
      if (this.#take("*") || this.#take("of")) left = plain(left.value.mul(this.#unary().value));
      else if (this.#take("/")) left = plain(left.value.div(nonZero(this.#unary().value)));
      else if (this.#take("mod") || this.#take("%")) left = plain(left.value.mod(nonZero(this.#unary().value)));
      else return left;
    }
  }

  #unary(): Term {
    if (++this.#depth > MAX_DEPTH) throw new ToolError("tool/too-large", "expression nested too deep");
    try {
      if (this.#take("+")) return this.#unary();
      if (!this.#take("-")) return this.#power();
      const { value, percent } = this.#unary();
      return { value: value.neg(), percent };
    } finally {
      this.#depth--;
    }
  }

  #power(): Term {
    const base = this.#postfix();
    return this.#take("^") ? plain(power(base.value, this.#unary().value)) : base;
  }

  #postfix(): Term {
    let term = plain(this.#primary());
    while (this.#next.text === "%" && !this.#operandFollows()) {
      this.#at++;
      term = { value: bounded(term.value.div(HUNDRED)), percent: true };
    }
    return term;
  }

  /** Is the token after the next one the start of an operand? Then `%` is the remainder. */
  #operandFollows(): boolean {
    const after = this.#tokens[this.#at + 1];
    if (after === undefined) return false;
    return after.kind === "number" || after.text === "(" || (after.kind === "name" && after.text !== "of" && after.text !== "mod");
  }

  #primary(): Fraction {
    const token = this.#next;
    if (token.kind === "number") {
      this.#at++;
      return parseDecimal(token.text);
    }
    if (this.#take("(")) return this.#closed();
    if (this.#take("pi") || this.#take("π")) return PI;
    if (this.#take("√")) return squareRoot(this.#primary());
    const apply = token.kind === "name" ? FUNCTIONS.get(token.text) : undefined;
    if (!apply) throw this.#unexpected();
    this.#at++;
    if (!this.#take("(")) throw new ToolError("tool/bad-expression", `'(' expected after ${token.text}`);
    return bounded(apply(this.#closed()));
  }

  #closed(): Fraction {
    const { value } = this.#sum();
    if (!this.#take(")"))
      throw new ToolError("tool/bad-expression", this.#next.kind === "end" ? "')' is missing" : `unexpected '${this.#next.text}'`);
    return value;
  }

  #unexpected(): ToolError {
    const { kind, text } = this.#next;
    return new ToolError("tool/bad-expression", kind === "end" ? "expression is incomplete" : `unexpected '${text}'`);
  }
}

function plain(value: Fraction): Term {
  return { value: bounded(value), percent: false };
}

function nonZero(value: Fraction): Fraction {
  if (value.n === 0n) throw new ToolError("tool/division-by-zero", "division by zero");
  return value;
}

/** base^exponent: exact for integer exponents within bounds and for square roots, else in double precision. */
function power(base: Fraction, exponent: Fraction): Fraction {
  if (base.n === 0n && exponent.s < 0n) throw new ToolError("tool/division-by-zero", "division by zero");
  if (exponent.d === 2n && exponent.n === 1n) return exponent.s < 0n ? nonZero(squareRoot(base)).inverse() : squareRoot(base);
  const bits = Math.max(bitLength(base.n), bitLength(base.d));
  if (exponent.d === 1n && (bits <= 1 || BigInt(bits) * exponent.n <= BigInt(MAX_BITS))) return integerPower(base, exponent);
  const result = base.valueOf() ** exponent.valueOf();
  if (Number.isNaN(result)) throw new ToolError("tool/undefined", "power is not a real number");
  if (!Number.isFinite(result)) throw new ToolError("tool/too-large", "number too large");
  return fromNumber(result);
}

/** Numerator and denominator to the power each. 0, 1 and -1 take exponents of any size. */
function integerPower(base: Fraction, exponent: Fraction): Fraction {
  if (exponent.n === 0n) return new Fraction(1n, 1n);
  if (base.n <= 1n && base.d === 1n) return exponent.n % 2n === 1n ? base : base.abs();
  const n = base.n ** exponent.n;
  const d = base.d ** exponent.n;
  const negative = base.s < 0n && exponent.n % 2n === 1n;
  const [top, bottom] = exponent.s < 0n ? [d, n] : [n, d];
  return new Fraction(negative ? -top : top, bottom);
}
