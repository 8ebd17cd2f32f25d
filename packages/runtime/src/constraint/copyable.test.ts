import fc from "fast-check";
import { copyableFrom, numbersIn } from "./copyable.ts";
import { has } from "./numbers/index.ts";

const sorted = (passage: string) => numbersIn([passage]).sort((a, b) => a - b);

test.each<[string, number[]]>([
  ["send 12.50 to account 4711", [12.5, 4711]],
  ["-4 degrees, (-5), 3-7", [-5, -4, 3, 7]],
  ["\u22126 and - 8", [-6, 8]],
  ["$5, 50%, #42, ~9", [5, 9, 42, 50]],
  ["1,234.50 in all", [1234.5]],
  ["1,234", [1234]],
  ["12,50 €", [12, 12.5, 50]],
  ["1.234,50", [1234.5]],
  ["[1,22,3]", [1, 3, 22]],
  ["on 2026-11-29 at 08:05", [5, 8, 11, 29, 2026]],
  ["of 1,234,567 or 1.234.567", [1, 234, 567, 1234567]],
  ["on 29.11.2026, from 192.168.0.1", [0, 1, 11, 29, 168, 192, 2026]],
  ["1e21 and 2.5E-3", [0.0025, 1e21]],
  ["it costs 7. Or 8?", [7, 8]],
  ["12kg, v2, a_3, x4y, 5e, 1.5s", []],
  ["1e999", []],
  ["", []],
])("the numbers spelt in %j", (passage, expected) => expect(sorted(passage)).toEqual(expected));

test("a number that stands alone is found, however JSON or a person spells it", () => {
  const number = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -9_999_999, max: 9_999_999 }),
  );
  fc.assert(
    fc.property(number, fc.constantFrom(" ", "(", ": ", "\n"), (value, before) => {
      const { numbers } = copyableFrom([
        `is${before}${JSON.stringify(value)}`,
        `or${before}${value.toLocaleString("en", { maximumFractionDigits: 20 })}`,
      ]);
      expect(has(numbers, value)).toBe(true);
      expect(
        has(
          copyableFrom([`or${before}${value.toLocaleString("en")}, no`]).numbers,
          Number(value.toLocaleString("en", { useGrouping: false })),
        ),
      ).toBe(true);
    }),
  );
});

test("a long run of groups", () => {
  expect(numbersIn(["1,2.".repeat(20_000) + "3"]).sort()).toEqual([1, 2.1, 2.3]);
});
