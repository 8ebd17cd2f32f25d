import fc from "fast-check";
import { ConstraintError } from "../../../errors.ts";
import type { Where } from "../../where.ts";
import { cardinality, complement, has, intersection, isEmpty, length, pattern, some, strings, textPart, type Language } from "../index.ts";
import { faults } from "../laws.test.support.ts";

const WHERE: Where = { subject: "test", pointer: "/pattern" };

const character = fc.constantFrom("a", "b", "_", "1", "é", "-", " ", "\n", "\u2028", "\u{1f600}", "K", "\u017f", "ǅ");
const text = fc.string({ unit: character, maxLength: 7 });

const atom = fc.constantFrom(
  ..."a b . \\d \\D \\w \\W \\s \\S \\n \\u0061 \\u{1f600} \\ud83d\\ude00 \\x62 \\cJ \\0 \\. \\/ \\- é 😀"
    .split(" ")
    .filter((one) => one !== "\\-"),
  "[ab]",
  "[^ab]",
  "[a-c1]",
  "[^\\d\\s]",
  "[\\w-]",
  "[\\b\\-]",
  "[😀-😂]",
  "[^]",
  "[]",
  "\\p{L}",
  "\\P{Lu}",
  "[\\p{Lt}a]",
  "\\p{Script=Latin}",
);
const assertion = fc.constantFrom("^", "$", "\\b", "\\B");
const quantifier = fc.constantFrom("*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}", "*?", "+?", "??", "{1,2}?");
const { source } = fc.letrec<{ source: string }>((tie) => ({
  source: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    { weight: 3, arbitrary: atom },
    { weight: 2, arbitrary: assertion },
    { weight: 4, arbitrary: fc.array(tie("source"), { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")) },
    { weight: 2, arbitrary: fc.array(tie("source"), { minLength: 1, maxLength: 3 }).map((options) => `(?:${options.join("|")})`) },
    { weight: 3, arbitrary: fc.tuple(tie("source"), quantifier).map(([body, count]) => `(${body})${count}`) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom("?=", "?!"), tie("source")).map(([look, body]) => `(${look}${body})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("?<=", "?<!"), atom, quantifier).map(([look, body, count]) => `(${look}${body}${count})`),
    },
  ),
}));

/** The language, or undefined where the pattern is refused. */
function compiled(one: string): Language | undefined {
  try {
    return pattern(one, WHERE);
  } catch (error) {
    if (error instanceof ConstraintError && error.code !== "constraint/bad-schema") return undefined;
    throw error;
  }
}

test("a pattern holds exactly the texts in which the engine's RegExp finds a match", () => {
  let refused = 0;
  fc.assert(
    fc.property(source, fc.array(text, { minLength: 8, maxLength: 16 }), (one, texts) => {
      const language = compiled(one);
      if (!language) refused++;
      const expression = new RegExp(one, "u");
      // V8 finds \B between the halves of a surrogate pair, which ECMA-262 does not.
      const told = texts.filter((member) => !(one.includes("\\B") && member.includes("\u{1f600}")));
      expect(told.filter((member) => language && has(language, member) !== expression.test(member))).toEqual([]);
    }),
    { numRuns: 600 },
  );
  expect(refused).toBeLessThan(60);
});

test("its examples match, its complement's do not, and every state can be completed", () => {
  fc.assert(
    fc.property(source, text, fc.array(text, { maxLength: 4 }), (one, along, runs) => {
      const language = compiled(one);
      if (!language) return;
      const expression = new RegExp(one, "u");
      const others = complement(language, WHERE);
      for (const member of some(language, 3)) expect(expression.test(member)).toBe(true);
      for (const member of some(others, 3)) expect(expression.test(member)).toBe(false);
      expect(isEmpty(intersection([language, others], WHERE))).toBe(true);
      for (const state of [language, others]) expect(faults(state, along, runs)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test("lengths and patterns together", () => {
  fc.assert(
    fc.property(source, fc.nat(4), fc.nat(4), text, fc.array(text, { minLength: 5, maxLength: 10 }), (one, min, more, along, texts) => {
      const language = compiled(one);
      if (!language) return;
      const both = intersection([length(min, min + more), language], WHERE);
      const expression = new RegExp(one, "u");
      const holds = (member: string) => expression.test(member) && [...member].length >= min && [...member].length <= min + more;
      for (const member of [...texts, ...some(both, 3)]) expect(has(both, member)).toBe(holds(member));
      if (!isEmpty(both)) expect(faults(both, along, texts.slice(0, 3))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test.each([
  ["^[a-z]+$", ["abc"], ["", "a1"]],
  ["b", ["abc"], ["ac"]],
  ["^$", [""], ["a"]],
  ["^(?=.*[A-Z])(?=.*\\d)(?!.*\\s).{8,64}$", ["Passw0rd"], ["password1", "Passw0r", "Pass w0rd"]],
  ["^(?!.*--)[a-z-]+$", ["a-b"], ["a--b"]],
  ["^foo(?!bar)", ["foobaz"], ["foobar"]],
  ["(?<!un)happy", ["happy"], ["unhappy"]],
  ["(?<=^|,)x", ["x", "a,x"], ["ax"]],
  ["\\bcat\\b", ["a cat!"], ["concat"]],
  ["^(?<year>\\d{4})-(?<month>\\d\\d)$", ["2026-03"], ["2026-3"]],
  ["^(?:(?=a).)*$", ["aaa", ""], ["ab"]],
  ["(?=(?!b)\\w)c?a", ["a"], ["b"]],
])("%s", (one, members, others) => {
  const language = pattern(one, WHERE);
  expect(members.filter((member) => !has(language, member))).toEqual([]);
  expect(others.filter((member) => has(language, member))).toEqual([]);
});

test.each([
  ["(a)\\1", "constraint/unsupported"],
  ["(?<x>a)\\k<x>", "constraint/unsupported"],
  ["(?<=a\\b)c", "constraint/unsupported"],
  ["(?=b(?<=b)c)", "constraint/unsupported"],
  ["(", "constraint/bad-schema"],
  ["[b-a]", "constraint/bad-schema"],
  ["\\-", "constraint/bad-schema"],
  ["(x{1,1000}){1,1000}", "constraint/too-large"],
  ["(((){1000}){1000}){1000}", "constraint/too-large"],
  ["a.{30}b", "constraint/too-large"],
  [`${"(".repeat(300)}a${")".repeat(300)}`, "constraint/too-large"],
])("%s is refused: %s", (one, code) => {
  expect(() => pattern(one, WHERE)).toThrow(expect.objectContaining({ code, pointer: "/pattern" }));
});

test("expressions that make backtracking explode are small automata", () => {
  const bomb = pattern("^(a+)+b$", WHERE);
  expect(has(bomb, "a".repeat(5_000))).toBe(false);
  expect(has(bomb, `${"a".repeat(5_000)}b`)).toBe(true);
  expect(has(pattern("^(a|a)*$", WHERE), "a".repeat(5_000))).toBe(true);
  expect(has(pattern(".{1,60000}", WHERE), "\n")).toBe(false);
  const run = pattern("^.{1,60000}$", WHERE);
  expect(has(run, "a".repeat(60_000))).toBe(true);
  expect(has(run, "a".repeat(60_001))).toBe(false);
});

test("bounds of length cost nothing, also where only some lengths are possible", () => {
  const words = pattern("^[a-z]+$", WHERE);
  expect(has(intersection([words, length(0, 1_000_000)], WHERE), "abc")).toBe(true);
  const pairs = pattern("^(ab)*$", WHERE);
  expect(isEmpty(intersection([pairs, length(1_000_001, 1_000_001)], WHERE))).toBe(true);
  const odd = intersection([pairs, length(1, 3)], WHERE);
  expect(some(odd, 5)).toEqual(["ab"]);
  expect(cardinality(odd)).toBe(1);
});

test("runs of free characters are free for the mask", () => {
  const free = (one: string, after: string) => {
    const part = textPart(pattern(one, WHERE), "json");
    let state = part.start;
    for (const byte of Buffer.from(after)) state = part.step(state, byte);
    return part.free(state, 48) !== undefined;
  };
  expect(free('^[^"\\\\]*$', "")).toBe(true);
  expect(free("^.*$", "x")).toBe(true);
  expect(free("^\\S.*$", "x")).toBe(true);
  expect(free("x", "")).toBe(true);
  expect(free("^.{1,60000}$", "x")).toBe(true);
  expect(free("^[a-z]*$", "x")).toBe(false);
  expect(free("^.{0,40}$", "x")).toBe(false);
});

test("lists and patterns together are lists", () => {
  const both = intersection([strings(["apple", "Banana", "cherry"]), pattern("^[a-z]+$", WHERE)], WHERE);
  expect(some(both, 5).sort()).toEqual(["apple", "cherry"]);
  const others = intersection([complement(strings(["apple"]), WHERE), pattern("^a(pple)?$", WHERE)], WHERE);
  expect(some(others, 5)).toEqual(["a"]);
});
