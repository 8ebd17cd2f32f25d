/**
 * Questions about a set: is it empty, which are its members. In: a set. Out: answers about the doubles that spellings of its members read
 * as. Law: "empty" and "all of them" are proofs.
 */
import { ConstraintError } from "../../errors.ts";
import type { Where } from "../where.ts";
import { decimalOf, toDouble } from "./decimal.ts";
import { doubleAt, ordinal } from "./double.ts";
import { lineOf, type Line } from "./lines.ts";
import type { Side } from "./line.ts";
import type { NumberSet } from "./number-set.ts";
import { isMember } from "./reading.ts";
import { members, ranges, search, type Block, type Verdict } from "./search.ts";
import { everyBlock, SCIENTIFIC } from "./spelling.ts";

/** Numbers tried one by one within one cell of one decade, when members are counted. */
const MAX_TRIED = 50_000;

/** Is this number, spelt as JSON.stringify spells it, a member? */
export function has(set: NumberSet, value: number): boolean {
  return Number.isFinite(value) && isMember(set, decimalOf(value), value);
}

/** @throws ConstraintError `constraint/too-large` when no member was found in a limited search that proves nothing */
export function isEmpty(set: NumberSet, where: Where): boolean {
  const line = lineOf(set, true);
  let verdict = verdicts.get(line);
  if (!verdict) verdicts.set(line, (verdict = searched(line)));
  if (verdict === "unknown") throw tooLarge(where);
  return verdict === "none";
}

/** Has the line a member? Schemas share lines, and ask again and again. */
const verdicts = new WeakMap<Line, Verdict>();

function searched(line: Line): Verdict {
  if (line.zero) return "some";
  let unknown = false;
  for (const { side, block } of everything(line)) {
    const verdict = search(side, block);
    if (verdict === "some") return verdict;
    unknown ||= verdict === "unknown";
  }
  return unknown ? "unknown" : "none";
}

/** All members, ascending; undefined when there are more than `most`, or perhaps. */
export function listed(set: NumberSet, most: number): number[] | undefined {
  const found = collect(lineOf(set, true), most);
  return found && ascending(found);
}

/** Up to `count` members, those with few digits first when there are more; ascending. */
export function some(set: NumberSet, count: number): number[] {
  const line = lineOf(set, true);
  return ascending(collect(line, count) ?? shortest(line, count));
}

function ascending(found: ReadonlySet<number>): number[] {
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
