import fc from "fast-check";
import { anyText } from "../prompt/fixtures.test.support.ts";
import { CopySource } from "./copy-source.ts";

const passage = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "B", "7", " ", ".", "-", "\n", "é", "日", "😀", "\0", "\ud800"), maxLength: 12 }),
  anyText(),
);

/** Everything that a source says. */
function read(source: CopySource, length: number) {
  const offsets = Array.from({ length: length + 2 }, (_, i) => i);
  return { bytes: offsets.map((at) => source.byte(at)), ends: offsets.map((at) => source.ends(at)), starts: [...source.starts] };
}

/** The same from the text itself: borders by regular expressions over whole passages. */
function expected(passages: readonly string[]) {
  const bytes: number[] = [];
  const starts: number[] = [];
  const ends = new Set<number>();
  for (const text of passages) {
    const before = bytes.length;
    const at = (index: number) => before + new TextEncoder().encode(text.slice(0, index)).length;
    for (const { index } of text.matchAll(/(?<![\p{L}\p{M}\p{N}])[^\s\0]/gu)) starts.push(at(index));
    for (const { index } of text.matchAll(/(?<=[^\s\0])(?:(?<![\p{L}\p{M}\p{N}])|(?![\p{L}\p{M}\p{N}]))/gu)) ends.add(at(index));
    for (const byte of new TextEncoder().encode(text)) bytes.push(byte === 0 ? -1 : byte);
    bytes.push(-1);
  }
  const length = bytes.length;
  return { bytes: [...bytes, -1, -1], ends: Array.from({ length: length + 2 }, (_, at) => ends.has(at)), starts };
}

test("bytes, starts and ends are those of the text", () => {
  fc.assert(
    fc.property(fc.array(passage, { maxLength: 5 }), (passages) => {
      const wanted = expected(passages);
      expect(read(new CopySource(passages), wanted.bytes.length - 2)).toEqual(wanted);
    }),
  );
});

test("passages added one by one, with reading between, give the same as all at once", () => {
  fc.assert(
    fc.property(fc.array(passage, { maxLength: 4 }), (passages) => {
      const { length } = expected(passages).bytes;
      const grown = new CopySource();
      passages.forEach((one, i) => {
        grown.append(one);
        const size = expected(passages.slice(0, i + 1)).bytes.length;
        expect(read(grown, size)).toEqual(read(new CopySource(passages.slice(0, i + 1)), size));
      });
      expect(read(grown, length)).toEqual(read(new CopySource(passages), length));
    }),
    { numRuns: 50 },
  );
});

test("a copy begins with a word or the signs before it, and ends where no word is cut", () => {
  const source = new CopySource(['Ask "Dr. Duncan" at 7:30.']);
  const text = 'Ask "Dr. Duncan" at 7:30.';
  const from = (starts: readonly number[]) => starts.map((at) => text.slice(at, at + 3));
  expect(from(source.starts)).toEqual(["Ask", '"Dr', "Dr.", "Dun", "at ", "7:3", "30."]);
  expect(source.ends(text.indexOf("can"))).toBe(false);
  expect(source.ends(text.indexOf('" at'))).toBe(true);
  expect(source.ends(text.length)).toBe(true);
});
