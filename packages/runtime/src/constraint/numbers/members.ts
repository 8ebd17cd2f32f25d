/**
 * Questions about a set: is it empty, how many members has it, which. In: a set. Out: answers about the doubles that spellings of its
 * members read as. Law: a count is exact or Infinity; "empty" is a proof.
 */
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";
import { decimalOf, toDouble } from "./decimal.ts";
import { doubleAt, ordinal } from "./double.ts";
import { lineOf, type Line } from "./lines.ts";
import type { Side } from "./line.ts";
import type { NumberSet } from "./number-set.ts";
import { isMember } from "./reading.ts";
import { members, ranges, search, type Block } from "./search.ts";
import { everyBlock, SCIENTIFIC } from "./spelling.ts";

/** More members are not counted. */
const MAX_COUNTED = 10_000;
/** Numbers tried one by one within one cell of one decade, when members are counted. */
const MAX_TRIED = 50_000;

/** Is this number, spelt as JSON.stringify spells it, a member? */
export function has(set: NumberSet, value: number): boolean {
  return Number.isFinite(value) && isMember(set, decimalOf(value), value);
}

/** @throws ConstraintError `constraint/too-large` when no member was found in a limited search that proves nothing */
export function isEmpty(set: NumberSet, where: Where): boolean {
  const line = lineOf(set, true);
  if (line.zero) return false;
  let unknown = false;
  for (const { side, block } of everything(line)) {
    const verdict = search(side, block);
    if (verdict === "some") return false;
    unknown ||= verdict === "unknown";
  }
  if (unknown) throw tooLarge(where);
  return true;
}

/** The number of members; Infinity when there are more than 10,000. */
export function cardinality(set: NumberSet, where: Where): number {
  const found = collect(lineOf(set, true), MAX_COUNTED);
  // Sets that are too sparse to be counted are empty or not.
  return found ? found.size : isEmpty(set, where) ? 0 : Infinity;
}

/** Up to `count` members, those with few digits first when there are more; ascending. */
export function some(set: NumberSet, count: number): number[] {
  const line = lineOf(set, true);
  const found = collect(line, count) ?? shortest(line, count);
  return [...found].sort((a, b) => a - b);
}

export function tooLarge(where: Where): ConstraintError {
  return new ConstraintError("constraint/too-large", `${where.subject}: no number that satisfies '${where.pointer}' was found`, {
    pointer: where.pointer,
    hint: "use bounds and divisors of fewer digits",
  });
}

function* everything({ positive, negative }: Line, digits = SCIENTIFIC.digits): Generator<{ side: Side; block: Block }> {
  for (const side of [positive, negative]) for (const block of everyBlock(side.span, digits)) yield { side, block };
}

/** All members; undefined when there are more than `most`, or perhaps. */
function collect(line: Line, most: number): Set<number> | undefined {
  const found = new Set<number>(line.zero ? [0] : []);
  for (const { side, block } of everything(line)) {
    for (const range of ranges(side, block)) {
      if (range.cell.kind === "all") {
        const first = ordinal(read(range.low, block));
        const last = ordinal(read(range.high, block));
        if (last - first >= BigInt(most)) return undefined;
        for (let place = first; place <= last; place++) found.add(side.negative ? -doubleAt(place) : doubleAt(place));
      } else
        for (const n of members(side, block, range, MAX_TRIED)) {
          if (n === undefined) return undefined;
          found.add(side.negative ? -read(n, block) : read(n, block));
          if (found.size > most) break;
        }
      if (found.size > most) return undefined;
    }
  }
  return found;
}

function read(digits: bigint, { scale }: Block): number {
  return toDouble({ negative: false, digits, scale });
}

function shortest(line: Line, count: number): Set<number> {
  const found = new Set<number>(line.zero ? [0] : []);
  for (let digits = 1; digits <= SCIENTIFIC.digits; digits++)
    for (const { side, block } of everything(line, digits))
      for (const range of ranges(side, block))
        for (const n of range.cell.kind === "all" ? counted(range.low, range.high) : members(side, block, range, MAX_TRIED)) {
          if (found.size >= count) return found;
          if (n !== undefined) found.add(side.negative ? -read(n, block) : read(n, block));
        }
  return found;
}

function* counted(low: bigint, high: bigint): Generator<bigint> {
  for (let n = low; n <= high; n++) yield n;
}
