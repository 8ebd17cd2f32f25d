/** One statistic of a list of numbers, computed exactly and rounded once. In: doubles. Out: a JSON number. */
import Fraction from "fraction.js";
import { bounded, fromNumber, squareRoot, toJson } from "./rational.ts";
import { ToolError } from "./tool-error.ts";

export const OPERATIONS = ["mean", "median", "min", "max", "sum", "stdev"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** More numbers than a conversation holds. */
const MAX_VALUES = 10_000;

/** `stdev` is the sample's (n - 1). @throws ToolError `tool/bad-list`, `tool/too-large` */
export function statistic(values: readonly number[], operation: Operation): number | string {
  if (values.length === 0) throw new ToolError("tool/bad-list", "the list is empty");
  if (values.length > MAX_VALUES) throw new ToolError("tool/bad-list", `more than ${MAX_VALUES} values`);
  return toJson(STATISTICS[operation](values));
}

const STATISTICS: Readonly<Record<Operation, (values: readonly number[]) => Fraction>> = {
  sum: (values) => sum(values.map(fromNumber)),
  mean,
  median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return mean(sorted.length % 2 === 1 ? sorted.slice(middle, middle + 1) : sorted.slice(middle - 1, middle + 1));
  },
  min: (values) => fromNumber(values.reduce((a, b) => Math.min(a, b))),
  max: (values) => fromNumber(values.reduce((a, b) => Math.max(a, b))),
  stdev(values) {
    if (values.length < 2) throw new ToolError("tool/bad-list", "stdev needs two values or more");
    const centre = mean(values);
    const squares = values.map((value) => {
      const distance = fromNumber(value).sub(centre);
      return bounded(distance.mul(distance));
    });
    return squareRoot(sum(squares).div(values.length - 1));
  },
};

function sum(values: readonly Fraction[]): Fraction {
  return values.reduce((total, value) => bounded(total.add(value)), new Fraction(0n, 1n));
}

function mean(values: readonly number[]): Fraction {
  return sum(values.map(fromNumber)).div(values.length);
}
