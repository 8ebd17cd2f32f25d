import fc from "fast-check";
import Fraction from "fraction.js";
import { evaluate, WRITTEN } from "./expression.ts";
import { fromNumber, squareRoot, toJson } from "./rational.ts";
import { ToolError } from "./tool-error.ts";

const result = (text: string): number | string => toJson(evaluate(text));
const codeOf = (text: string): string => {
  try {
    return String(result(text));
  } catch (error) {
    return error instanceof ToolError ? error.code : `not a ToolError: ${String(error)}`;
  }
};

test.each([
  ["47 * 24", 1128],
  ["47*24", 1128],
  ["0.1 + 0.2", 0.3],
  ["1 - 0.9", 0.1],
  ["(1 + 2) * 3 - 4 / 2", 7],
  ["-2^2", -4],
  ["(-2)^2", 4],
  ["2^3^2", 512],
  ["2**10", 1024],
  ["2^-2", 0.25],
  ["12% of 340", 40.8],
  ["200 + 10%", 220],
  ["200 - 10%", 180],
  ["5% + 10%", 0.15],
  ["200 * 10%", 20],
  ["17 % 5", 2],
  ["17 mod 5", 2],
  ["50%", 0.5],
  ["1,128 * 2", 2256],
  ["1,000,000.5 * 2", 2000001],
  ["1.5e3 + 1", 1501],
  ["sqrt(16) + abs(-3)", 7],
  ["√2 * √2", 2],
  ["sqrt(0.25)", 0.5],
  ["sqrt(2)", 1.414213562],
  ["floor(-2.5) + ceil(2.1) + round(2.5)", 3],
  ["10 / 3", 3.333333333],
  ["2 / 3", 0.6666666667],
  ["−5 × 4 ÷ 2", -10],
  ["3 x 4", 12],
  ["3² + 4²", 25],
  ["2 * pi", 6.283185307],
  ["4^0.5", 2],
  ["2^0.5", 1.414213562],
  ["1.00416667^360", 4.467749653],
  ["0.999999999999 * 1", 0.999999999999],
  ["99999999999999999 / 9", "11111111111111111"],
  ["--3", 3],
  ["(-1)^1000001", -1],
])("%s is %p", (text, expected) => {
  expect(result(text)).toBe(expected);
  expect(text).toMatch(WRITTEN);
});

test("what no expression has cannot be written, and what can be written is all that is evaluated", () => {
  for (const text of ["", "47 * 24 = 1128", "$5 * 2", "3 €", "1\n2", "'1'"]) expect(text).not.toMatch(WRITTEN);
  for (let code = 0x21; code < 0x300; code++) {
    const text = `1${String.fromCodePoint(code)}1`;
    if (codeOf(text) !== "tool/bad-expression") expect(text).toMatch(WRITTEN);
  }
});

test("an integer that no double holds comes out with all its digits", () => {
  expect(result("2^100")).toBe("1267650600228229401496703205376");
  expect(result("-(2^64)")).toBe("-18446744073709551616");
});

test.each([
  ["", "tool/bad-expression"],
  ["1 +", "tool/bad-expression"],
  ["(1 + 2", "tool/bad-expression"],
  ["1 2", "tool/bad-expression"],
  ["2(3)", "tool/bad-expression"],
  ["process.exit(1)", "tool/bad-expression"],
  ["constructor", "tool/bad-expression"],
  ["1,2,3", "tool/bad-expression"],
  ["1..2", "tool/bad-expression"],
  ["3²4", "tool/bad-expression"],
  ["1/0", "tool/division-by-zero"],
  ["0^-1", "tool/division-by-zero"],
  ["5 % 0", "tool/division-by-zero"],
  ["5 mod (1-1)", "tool/division-by-zero"],
  ["sqrt(-1)", "tool/undefined"],
  ["(-8)^0.3", "tool/undefined"],
  ["9^9^9^9", "tool/too-large"],
  ["10^400", "tool/too-large"],
  ["2^5000 * 2^5000", "tool/too-large"],
  ["1e9999", "tool/too-large"],
  ["1".repeat(501), "tool/too-large"],
  ["(".repeat(200), "tool/too-large"],
  ["-".repeat(200) + "1", "tool/too-large"],
])("%s is refused with a code", (text, code) => {
  expect(codeOf(text)).toBe(code);
});

/** A random expression, and what it is by arithmetic on fractions of BigInt that shares no code with the parser. */
type Ratio = readonly [bigint, bigint];
const tree = fc.letrec<{ node: { text: string; value: Ratio } }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc
      .tuple(fc.bigInt({ min: 0n, max: 9999n }), fc.integer({ min: 0, max: 3 }))
      .map(([digits, decimals]) => ({ text: decimal(digits, decimals), value: [digits, 10n ** BigInt(decimals)] as Ratio })),
    fc.tuple(fc.constantFrom("+", "-", "*", "/"), tie("node"), tie("node")).map(([sign, a, b]) => {
      const [an, ad] = a.value;
      const [bn, bd] = b.value;
      const divides = sign === "/" && bn !== 0n;
      const value: Ratio = divides
        ? [an * bd, ad * bn]
        : sign === "*" || sign === "/"
          ? [an * bn, ad * bd]
          : [sign === "+" ? an * bd + bn * ad : an * bd - bn * ad, ad * bd];
      return { text: `(${a.text}) ${sign === "/" && !divides ? "*" : sign} (${b.text})`, value };
    }),
  ),
})).node;

function decimal(digits: bigint, decimals: number): string {
  const text = digits.toString().padStart(decimals + 1, "0");
  return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}

test("random expressions are exact", () => {
  fc.assert(
    fc.property(tree, ({ text, value: [n, d] }) => {
      fc.pre(text.length <= 500);
      const found = evaluate(text);
      expect(found.s * found.n * d).toBe(n * found.d);
    }),
  );
});

test("any text gives a number or a ToolError, soon", () => {
  const signs = fc.string({ unit: fc.constantFrom(..."0123456789.,+-*/^%()eE x√²".split(""), "sqrt", "of", "mod", "pi"), maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(signs, fc.string({ unit: "binary" })), (text) => {
      const began = performance.now();
      expect(codeOf(text)).not.toContain("not a ToolError");
      expect(performance.now() - began).toBeLessThan(5000);
    }),
    { numRuns: 200 },
  );
});

test("a double comes back as itself when fifteen digits hold it", () => {
  fc.assert(
    fc.property(fc.integer({ min: -999_999_999, max: 999_999_999 }), fc.integer({ min: -6, max: 6 }), (digits, exponent) => {
      const value = Number(`${digits}e${exponent}`);
      expect(toJson(fromNumber(value))).toBe(value === 0 ? 0 : value);
    }),
  );
});

test("the square of a root is the number, to twenty digits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 30n }), fc.bigInt({ min: 1n, max: 10n ** 12n }), (n, d) => {
      const value = new Fraction(n, d);
      const root = squareRoot(value);
      const error = root.mul(root).sub(value).abs().div(value);
      expect(error.compare(new Fraction(1n, 10n ** 20n))).toBeLessThan(0);
    }),
  );
});
