import fc from "fast-check";
import { DEAD } from "../alphabet.ts";
import type { Terminal } from "../part.ts";
import { complement, EVERY_STRING, has, intersection, length, recordedText, strings, textPart, union, type Language } from "./index.ts";

const WHERE = { subject: "test", pointer: "" };
const letter = fc.constantFrom(
  "a",
  "b",
  "é",
  "ê",
  "ࠀ",
  "\ud7ff",
  "\ue000",
  "\u{10000}",
  "\u{1f600}",
  "\u{10ffff}",
  '"',
  "\\",
  "\n",
  "\u0001",
  "\u001f",
  "\x7f",
  "\u2028",
);
const text = fc.string({ unit: letter, maxLength: 4 });
const list = fc.array(text, { minLength: 1, maxLength: 8 });
const language: fc.Arbitrary<Language> = fc.oneof(
  list.map(strings),
  list.map((one) => complement(strings(one), WHERE)),
  fc.tuple(fc.nat(2), fc.nat(3)).map(([min, more]) => length(min, min + more)),
  fc.tuple(list, fc.nat(3)).map(([one, max]) => intersection([complement(strings(one), WHERE), length(0, max)], WHERE)),
  fc.tuple(list, fc.nat(3)).map(([one, max]) => union([strings(one), length(max, max)], WHERE)),
  fc.constant(EVERY_STRING),
);
const spelling = fc.constantFrom("json" as const, "plain" as const);

function bytesOf(one: string, as: "json" | "plain"): Uint8Array {
  return new TextEncoder().encode(as === "json" ? JSON.stringify(one).slice(1, -1) : one);
}

/** The states along the bytes; the last is −1 when they cannot be read. */
function states(part: Terminal, bytes: Uint8Array): number[] {
  const path = [part.start];
  for (const byte of bytes) if (path.at(-1)! >= 0) path.push(part.step(path.at(-1)!, byte));
  return path;
}

test("a part reads the bytes of the strings of its language, in one spelling", () => {
  fc.assert(
    fc.property(language, spelling, fc.array(text, { minLength: 3, maxLength: 12 }), (one, as, texts) => {
      const part = textPart(one, as);
      for (const member of texts) {
        const end = states(part, bytesOf(member, as)).at(-1)!;
        expect(end >= 0 && part.accepts(end)).toBe(has(one, member));
      }
    }),
    { numRuns: 400 },
  );
});

/** Is there a way to an accepting state? By its own bytes alone, nearest ends first. */
function completes(part: Terminal, state: number, depth: number): boolean {
  if (part.accepts(state)) return true;
  if (depth === 0) return false;
  for (let byte = 255; byte >= 0; byte--) {
    const next = part.step(state, byte);
    if (next >= 0 && completes(part, next, depth - 1)) return true;
  }
  return false;
}

test("at every state: each byte leads to an end, `only` is the only byte, free text can follow", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        list.map(strings),
        fc.nat(2).map((max) => length(0, max)),
      ),
      spelling,
      text,
      (one, as, member) => {
        const part = textPart(one, as);
        for (const state of states(part, bytesOf(member, as)).filter((at) => at >= 0)) {
          const open = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => part.step(state, byte) >= 0);
          for (const byte of open) expect(completes(part, part.step(state, byte), 30)).toBe(true);
          expect(part.only(state)).toBe(open.length === 1 ? open[0] : -1);
          expect(part.ends(state)).toBe(open.length === 0);
          const free = part.free(state, 2);
          if (free) for (let byte = 0; byte < 256; byte++) expect(free.next[byte] !== DEAD && !open.includes(byte)).toBe(false);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("bytes that are no UTF-8 are refused", () => {
  for (const bytes of [
    [0x80],
    [0xc0, 0x80],
    [0xc1, 0xbf],
    [0xe0, 0x80],
    [0xe0, 0x9f],
    [0xed, 0xa0],
    [0xf0, 0x8f],
    [0xf4, 0x90],
    [0xf5],
    [0xff],
  ])
    for (const one of [EVERY_STRING, complement(strings(["\u0800", "\u{10000}"]), WHERE), length(0, 3)])
      expect(states(textPart(one, "plain"), Uint8Array.from(bytes)).at(-1)).toBe(-1);
});

test("an escape that JSON.stringify would not write is refused", () => {
  const part = textPart(EVERY_STRING, "json");
  for (const spelt of ["\\/", "\\u0041", "\\u000a", "\\u000A", "\\u001F", "\\x", "\n", '"'])
    expect(states(part, new TextEncoder().encode(spelt)).at(-1)).toBe(-1);
  for (const spelt of ["/", "\\n", "\\u001f", "\\u0000", "\x7f", "\u2028"]) {
    const end = states(part, new TextEncoder().encode(spelt)).at(-1)!;
    expect(end >= 0 && part.accepts(end)).toBe(true);
  }
});

test("canonical states allow the same bytes", () => {
  fc.assert(
    fc.property(language, spelling, text, fc.array(text, { maxLength: 4 }), (one, as, member, runs) => {
      const part = textPart(one, as);
      for (const state of states(part, bytesOf(member, as)).filter((at) => at >= 0))
        for (const run of runs) {
          const bytes = bytesOf(run, as);
          const same = states({ ...wrap(part), start: part.canonical(state, bytes.length) }, bytes);
          const other = states({ ...wrap(part), start: state }, bytes);
          expect(same.map((at) => at >= 0 && part.accepts(at))).toEqual(other.map((at) => at >= 0 && part.accepts(at)));
          expect(same.length).toBe(other.length);
        }
    }),
  );
});

function wrap(part: Terminal): Terminal {
  return {
    kind: "terminal",
    position: part.position,
    start: part.start,
    step: (state, symbol) => part.step(state, symbol),
    accepts: (state) => part.accepts(state),
    ends: (state) => part.ends(state),
    only: (state) => part.only(state),
    controls: (state) => part.controls(state),
    canonical: (state, longest) => part.canonical(state, longest),
    free: (state, longest) => part.free(state, longest),
  };
}

test("a recorded text is known, and equal texts are one state", () => {
  fc.assert(
    fc.property(spelling, text, (as, one) => {
      const part = recordedText(EVERY_STRING, as);
      const end = states(part, bytesOf(one, as)).at(-1)!;
      expect(part.text(end)).toBe(one);
      expect(states(part, bytesOf(one, as)).at(-1)).toBe(end);
    }),
  );
});

test("lists are values, other languages are texts", () => {
  expect(textPart(strings(["red", "green"]), "json").position).toBe("enum");
  expect(textPart(length(0, 9), "json").position).toBe("string");
  expect(textPart(EVERY_STRING, "plain", "free-text").position).toBe("free-text");
});
