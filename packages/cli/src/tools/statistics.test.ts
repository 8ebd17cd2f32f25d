import fc from "fast-check";
import { statistic } from "./statistics.ts";

test.each([
  ["mean", [1, 2, 3, 4], 2.5],
  ["mean", [0.1, 0.2], 0.15],
  ["median", [9, 1, 5], 5],
  ["median", [4, 1, 3, 2], 2.5],
  ["min", [3, -2, 8], -2],
  ["max", [3, -2, 8], 8],
  ["sum", [0.1, 0.2, 0.3], 0.6],
  ["stdev", [2, 4, 4, 4, 5, 5, 7, 9], 2.138089935],
  ["stdev", [5, 5, 5], 0],
] as const)("the %s of %p is %p", (operation, values, expected) => expect(statistic(values, operation)).toBe(expected));

test("lists without an answer are refused", () => {
  expect(() => statistic([], "mean")).toThrow(expect.objectContaining({ code: "tool/bad-list" }));
  expect(() => statistic([1], "stdev")).toThrow(expect.objectContaining({ code: "tool/bad-list" }));
  expect(() => statistic([Number.NaN], "sum")).toThrow(expect.objectContaining({ code: "tool/bad-number" }));
});

test("sums of cents are exact", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 1, maxLength: 50 }), (cents) => {
      const total = cents.reduce((a, b) => a + b, 0);
      expect(
        statistic(
          cents.map((each) => each / 100),
          "sum",
        ),
      ).toBe(total / 100);
    }),
  );
});
