/**
 * Which prefixes have the same future. In: a prefix. Out: a signature. Law: prefixes with equal signatures have the same completions;
 * the signature is the prefix itself wherever its digits may still matter.
 */
import { leastCommonMultiple } from "./decimal.ts";
import type { Side, Span } from "./line.ts";
import { ALIGNED } from "./point.ts";
import { exponentSpans, isNormal, significant, type Depths, type Limits, type Prefix } from "./spelling.ts";

/** Exponents without points lie in one cell; of the others it depends on the digits. */
interface Reach extends Span {
  readonly cell: number | undefined;
}

/** The prefixes of one sign. */
export class Futures {
  readonly #side: Side;
  readonly #limits: Limits;
  readonly #depths: Depths;
  readonly #reaches: readonly Reach[];

  constructor(side: Side, limits: Limits, depths: Depths) {
    this.#side = side;
    this.#limits = limits;
    this.#depths = depths;
    this.#reaches = reachesOf(side);
  }

  signature(prefix: Prefix): string {
    return this.#shared(prefix) ?? `${prefix.negative ? "-" : ""}${prefix.whole}.${prefix.fraction}e${prefix.exponent}`;
  }

  /** The kind of each cell that the prefix may lead to, and how much may follow; undefined when that is not all. */
  #shared(prefix: Prefix): string | undefined {
    const { fraction, exponent, negative } = prefix;
    const digits = significant(prefix);
    if (digits === "") return undefined;
    const scientific = exponent !== undefined || (this.#limits.exponent && isNormal(prefix));
    const keys: string[] = [];
    let modulus: bigint | undefined;
    for (const index of this.#cells(prefix, digits, scientific)) {
      const cell = index === undefined ? undefined : this.#side.cell(index);
      if (cell?.modulus === undefined) return undefined;
      keys.push(cell.key);
      if (cell.kind === "some") modulus = modulus === undefined ? cell.modulus : common(modulus, cell.modulus);
    }
    const even = modulus === undefined && keys.every((key) => key === keys[0]);
    const parts = [negative ? "-" : "+", ...(even ? keys.slice(0, 1) : keys), this.#room(prefix, digits.length, even)];
    if (modulus !== undefined) parts.push(remainder(digits, fraction?.length ?? 0, modulus, !scientific && fraction === undefined));
    return parts.join(" ");
  }

  /** The cell of all numbers with these first digits, for each exponent that they may have; undefined for one that has several. */
  *#cells({ fraction, exponent }: Prefix, digits: string, scientific: boolean): Generator<number | undefined> {
    const leading = digits.length - 1 - (fraction?.length ?? 0);
    const spans: readonly Span[] = scientific
      ? exponentSpans(exponent ?? "")
      : [{ first: leading, last: fraction === undefined ? this.#limits.whole - 1 : leading }];
    const ended = exponent !== undefined || digits.length >= ALIGNED;
    let ends: readonly [bigint, bigint] | undefined;
    for (const reach of this.#reaches) {
      if (spans.every(({ first, last }) => reach.last < first || reach.first > last)) continue;
      if (reach.cell !== undefined) yield reach.cell;
      else {
        ends ??= [aligned(digits, "0"), aligned(digits, ended ? "0" : "9")];
        const cell = this.#side.locate(reach.first, ends[0]);
        yield cell === this.#side.locate(reach.first, ends[1]) ? cell : undefined;
      }
    }
  }

  /** What may still be written after so many digits, as far as lengths decide; `even`: whatever may be written has one fate. */
  #room(prefix: Prefix, digits: number, even: boolean): string {
    const { fraction, exponent } = prefix;
    if (exponent !== undefined) return even && /[1-9]/.test(exponent) ? `e*${exponent.length}` : `e${exponent}`;
    if (fraction === undefined) return String(digits);
    const places = fraction.length;
    const rest = Math.min(this.#limits.digits - digits, this.#limits.places - places);
    const zeros = (depth: number) => Math.max(-1, Math.min(rest, depth - places));
    const scientific = this.#limits.exponent && isNormal(prefix) ? `e${zeros(this.#depths.scientific)}` : "";
    return `.${places === 0 ? "" : "0"}${rest},${zeros(this.#depths.plain)}${scientific}`;
  }
}

function reachesOf(side: Side): readonly Reach[] {
  const reaches: Reach[] = [];
  let before = -Infinity;
  for (const exponent of [...side.exponents, Infinity]) {
    if (exponent - before > 1) {
      // Beyond all points of the exponents before.
      const cell = reaches.length === 0 ? 0 : side.locate(before, aligned("", "9"));
      reaches.push({ first: before + 1, last: exponent - 1, cell });
    }
    if (exponent < Infinity) reaches.push({ first: exponent, last: exponent, cell: undefined });
    before = exponent;
  }
  return reaches;
}

function aligned(digits: string, rest: "0" | "9"): bigint {
  return BigInt(digits.slice(0, ALIGNED).padEnd(ALIGNED, rest));
}

function common(a: bigint, b: bigint): bigint {
  if (a === b) return a;
  return leastCommonMultiple({ negative: false, digits: a, scale: 0 }, { negative: false, digits: b, scale: 0 }).digits;
}

/** Whether the number is whole and its remainder, now and after more digits. */
function remainder(digits: string, places: number, modulus: bigint, whole: boolean): string {
  if (whole) return `${BigInt(digits) % modulus}`;
  const kept = digits.replace(/0+$/, "");
  return `${BigInt(kept) % modulus},${digits.length - kept.length},${places}`;
}
