import fc from "fast-check";
import { cardinality, complement, copiedFrom, has, intersection, length, NO_STRING, pattern, some } from "./index.ts";
import { faults } from "./laws.test.support.ts";

const WHERE = { subject: "test", pointer: "" };
const letter = fc.constantFrom("a", "a", "b", "_", "7", " ", "\n", "-", '"', "é", "e\u0301", "\u{1f600}", "京", "\u200d", "\ud800");
const passages = fc.array(fc.string({ unit: letter, maxLength: 8 }), { maxLength: 3 });
const piece = fc.string({ unit: letter, maxLength: 4 });

/** Does the cut between these two halves of a text divide a word? */
function insideWord(before: string, after: string): boolean {
  if (before === "" || after === "") return false;
  if (/^[\p{M}\u200d]/u.test(after) || before.endsWith("\u200d")) return true;
  const core = before.replace(/[\p{M}\u200d]+$/u, "");
  return /[\p{L}\p{N}_]$/u.test(core) && /^[\p{L}\p{N}_]/u.test(after) && !core.endsWith("京") && !after.startsWith("京");
}

/** By trying everything. */
function copies(texts: readonly string[]): string[] {
  const found = new Set<string>();
  for (const text of texts.flatMap((one) => one.split("\ud800"))) {
    const points = [...text];
    const cut = (at: number) => !insideWord(points.slice(0, at).join(""), points.slice(at).join(""));
    for (let from = 0; from < points.length; from++)
      for (let to = from + 1; to <= points.length; to++) {
        const one = points.slice(from, to).join("");
        if (cut(from) && cut(to) && /\P{White_Space}/u.test(one)) found.add(one);
      }
  }
  return [...found].sort();
}

test("the copies of texts are their substrings that do not cut a word, and no others", () => {
  fc.assert(
    fc.property(passages, fc.array(piece, { maxLength: 6 }), (texts, pieces) => {
      const language = copiedFrom(texts);
      const all = copies(texts);
      expect(some(language, 1_000).sort()).toEqual(all);
      expect(cardinality(language)).toBe(all.length);
      for (const one of pieces) expect([one, has(language, one)]).toEqual([one, all.includes(one)]);
    }),
    { numRuns: 300 },
  );
});

test("every state can be completed, also within bounds, in what is left out, and with a pattern", () => {
  const whole = fc.string({ unit: letter.filter((one) => one !== "\ud800"), maxLength: 4 });
  fc.assert(
    fc.property(passages, fc.nat(3), fc.nat(3), fc.array(whole, { maxLength: 3 }), (texts, min, more, runs) => {
      const language = copiedFrom(texts);
      const all = copies(texts);
      const fits = (one: string) => [...one].length >= min && [...one].length <= min + more;
      const bounded = intersection([language, length(min, min + more)], WHERE);
      const others = complement(language, WHERE);
      const spelt = intersection([bounded, pattern("[a7]$", WHERE)], WHERE);
      expect(some(bounded, 1_000).sort()).toEqual(all.filter(fits));
      expect(some(spelt, 1_000).sort()).toEqual(all.filter((one) => fits(one) && /[a7]$/.test(one)));
      for (const along of [...all.slice(0, 10), ...runs]) {
        for (const one of [language, bounded, others, spelt]) if (one.start >= 0) expect(faults(one, along, runs)).toEqual([]);
        expect(has(others, along)).toBe(!all.includes(along));
      }
    }),
    { numRuns: 60 },
  );
});

test("words of scripts without spaces, marks and joiners", () => {
  const language = copiedFrom(["我想去北京玩", "สวัสดี 서울에서", "नमस्ते दुनिया", "👩‍🚀 👍🏽", "❤\ufe0flove"]);
  for (const one of ["北京", "서울", "नमस्ते", "👩‍🚀", "👍🏽", "love", "❤\ufe0f"]) expect([one, has(language, one)]).toEqual([one, true]);
  for (const one of ["नम", "👩", "🚀", "👍", "ove", "❤", "สวัสด"]) expect([one, has(language, one)]).toEqual([one, false]);
});

test("texts without a word", () => {
  for (const texts of [[], [""], [" \n", "\u3000"], ["\ud800"]]) expect(copiedFrom(texts)).toBe(NO_STRING);
});

test("a copy may begin and end with white space, and does not cross from one text into another", () => {
  const language = copiedFrom(["  return x;\n", "then"]);
  for (const one of ["  return x;\n", "return x", "x;\n"]) expect([one, has(language, one)]).toEqual([one, true]);
  for (const one of ["", "  ", "\nthen", "retur", "eturn x"]) expect([one, has(language, one)]).toEqual([one, false]);
});

test("a long text that repeats itself", () => {
  const language = intersection([copiedFrom(["the same line again\n".repeat(10_000)]), length(0, 100)], WHERE);
  expect(has(language, "line again\nthe same line")).toBe(true);
  expect(has(language, "line again\nthe same lin")).toBe(false);
  expect(has(language, "line again the same line")).toBe(false);
});
