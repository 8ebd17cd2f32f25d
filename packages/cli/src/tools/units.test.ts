import fc from "fast-check";
import { ToolError } from "./tool-error.ts";
import { convertUnit } from "./units.ts";

test.each([
  [55.6, "feet", "meters", 16.94688],
  [26.2, "miles", "kilometers", 42.1648128],
  [100, "°F", "celsius", 37.7777777778],
  [20, "C", "Fahrenheit", 68],
  [0, "Kelvin", "°C", -273.15],
  [5, "kg", "lbs", 11.0231131092],
  [5, "Kilograms", "pounds", 11.0231131092],
  [2, "hours", "minutes", 120],
  [60, "mph", "km/h", 96.56064],
  [10, "m/s", "kilometers per hour", 36],
  [1, "knot", "km/h", 1.852],
  [3, "MB", "KB", 3000],
  [1, "acre", "square meters", 4046.8564224],
  [1, "sq ft", "square inches", 144],
  [2, "tons", "kg", 2000],
  [1, "kcal", "calories", 1000],
  [1, "kWh", "kcal", 860.420650096],
  [8, "fluid ounces", "cups", 1],
])("%p %s is %p %s", (value, from, to, expected) => {
  expect(convertUnit(value, from, to)).toBeCloseTo(expected, 8);
});

test.each([
  ["kg", "meters", "tool/unit-mismatch"],
  ["mph", "miles", "tool/unit-mismatch"],
  ["miles", "mph", "tool/unit-mismatch"],
  ["kcal", "meters", "tool/unit-mismatch"],
  ["parrots", "meters", "tool/unknown-unit"],
  ["kg/h", "mph", "tool/unknown-unit"],
  ["", "meters", "tool/unknown-unit"],
  ["constructor", "constructor", "tool/unknown-unit"],
  ["__proto__", "meters", "tool/unknown-unit"],
  ["m/s/s", "m/s", "tool/unknown-unit"],
  ["m".repeat(1000), "m", "tool/unknown-unit"],
])("%s to %s is refused", (from, to, code) => {
  expect(() => convertUnit(1, from, to)).toThrow(expect.objectContaining({ code }));
});

test("there and back is the same value", () => {
  const pairs = fc.constantFrom(["miles", "km"], ["lbs", "kg"], ["°F", "°C"], ["gallons", "liters"], ["mph", "m/s"], ["acres", "hectares"]);
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), pairs, (value, [from = "", to = ""]) => {
      expect(Math.abs(convertUnit(convertUnit(value, from, to), to, from) - value)).toBeLessThan(1e-6 * (1 + Math.abs(value)));
    }),
  );
});

test("any names give a number or a ToolError", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (from, to) => {
      try {
        expect(typeof convertUnit(1, from, to)).toBe("number");
      } catch (error) {
        expect(error).toBeInstanceOf(ToolError);
      }
    }),
  );
});
