/**
 * Members among n · 10^scale for n in a range. In: one side of a set's line and a block of numbers. Out: a member, or none, or that the
 * search gave up. Law: what is found is a member; "none" is a proof.
 */
import { stride, ten, toDouble } from "./decimal.ts";
import type { Cell, Side } from "./line.ts";
import { ALIGNED, type Point } from "./point.ts";
import { holds } from "./number-set.ts";
import { asDouble, exactly } from "./reading.ts";

/** n · 10^scale for low ≤ n ≤ high, all with the same number of digits: the exponent of the first one is given. */
export interface Block {
  readonly exponent: number;
  readonly low: bigint;
  readonly high: bigint;
  readonly scale: number;
}

/** Numbers tried one by one within one cell of one block. Half of the multiples or more pass ajv's test nearly everywhere. */
const MAX_TRIED = 2_000;

/** The part of a block within one cell that has members. */
export interface Range {
  readonly cell: Cell;
  readonly low: bigint;
  readonly high: bigint;
}

export type Verdict = "some" | "none" | "unknown";

/** Has the block a member? With `places`, one whose last digit is not 0. */
export function search(side: Side, block: Block, places = false): Verdict {
  let verdict: Verdict = "none";
  for (const range of ranges(side, block)) {
    const { cell, low, high } = range;
    if (cell.kind === "all") {
      if (!places || high > low || low % 10n !== 0n) return "some";
      continue;
    }
    for (const n of members(side, block, range, MAX_TRIED, places)) {
      if (n !== undefined) return "some";
      verdict = "unknown";
    }
  }
  return verdict;
}

/** The parts of a block that may have members. */
export function* ranges(side: Side, { exponent, low, high, scale }: Block): Generator<Range> {
  const up = ten(ALIGNED - (exponent - scale + 1));
  const first = side.locate(exponent, low * up);
  const last = low === high ? first : side.locate(exponent, high * up);
  for (let index = first; index <= last; index++) {
    const cell = side.cell(index);
    if (cell.kind === "none") continue;
    const [before, after] = side.ends(index);
    const within = (point: Point | undefined) => (point?.exponent === exponent ? point.aligned : undefined);
    const begin = within(before);
    const end = within(after);
    // A point may lie between two numbers of the block.
    const open = index % 2 === 0;
    const from = begin === undefined ? low : open ? begin / up + 1n : (begin + up - 1n) / up;
    const to = end === undefined ? high : open ? (end + up - 1n) / up - 1n : end / up;
    const range = { cell, low: from > low ? from : low, high: to < high ? to : high };
    if (range.low <= range.high) yield range;
  }
}

/** Members of a range where divisibility decides, by progression, ascending; undefined where it gives up, after `most` tries. */
export function* members(
  side: Side,
  { scale }: Block,
  { cell, low, high }: Range,
  most: number,
  places = false,
): Generator<bigint | undefined> {
  for (const { divisor, excluded } of cell.progressions) {
    const step = divisor ? stride(divisor, scale) : 1n;
    if ((places && step % 10n === 0n) || excluded.some((other) => step % stride(other, scale) === 0n)) continue;
    let tried = 0;
    for (let n = ((low + step - 1n) / step) * step; n <= high; n += step) {
      if (tried++ === most) {
        yield undefined;
        break;
      }
      if (places && n % 10n === 0n) continue;
      const exact = { negative: side.negative, digits: n, scale };
      const double = toDouble(exact);
      if (holds(cell.exact, (atom) => exactly(atom, exact, double)) && holds(cell.double, (atom) => asDouble(atom, double))) yield n;
    }
  }
}
