import fc from "fast-check";
import { Automaton, type Node } from "../automaton.ts";
import { spellings } from "../literals.ts";
import { maskOf } from "../mask.ts";
import { sequence } from "../part.ts";
import { trieOf } from "../trie.ts";
import { smallTokenizer } from "../vocabulary.test.support.ts";
import {
  complement,
  EVERY_STRING,
  format,
  intersection,
  isEmpty,
  length,
  pattern,
  recordedText,
  strings,
  substringOf,
  textPart,
  type Language,
} from "./index.ts";

const WHERE = { subject: "test", pointer: "" };
const tokenizer = smallTokenizer([
  "a",
  "ab",
  "abc",
  "b",
  "ba",
  "bé",
  "é",
  "\u{1f600}",
  'a"',
  '",',
  "\\n",
  "\\u00",
  "\n",
  "\u2028a",
  "12",
  "2024-",
  "--",
  " a",
  "aaaaaaaa",
]);
const trie = trieOf(tokenizer);

const text = fc.string({ unit: fc.constantFrom("a", "b", "é", "1", "-", '"', "\n", "\u{1f600}"), maxLength: 4 });
const language: fc.Arbitrary<Language> = fc.oneof(
  fc.array(text, { minLength: 1, maxLength: 8 }).map(strings),
  fc.array(text, { minLength: 1, maxLength: 8 }).map((list) => complement(strings(list), WHERE)),
  fc.constantFrom(
    EVERY_STRING,
    length(2, 3),
    length(0, 30),
    length(9, Infinity),
    format("date")!,
    format("uri")!,
    substringOf("abaab\nébé12"),
    complement(length(1, 2), WHERE),
  ),
  fc
    .constantFrom("^[a-z]+$", "^.*$", '^[^"\\\\]*$', "a.{2}b", "^\\p{L}+$", "^(?!.*--).*$", "^.{1,40}$", "^a(b|é){0,20}$")
    .map((source) => pattern(source, WHERE)),
  fc
    .tuple(fc.constantFrom("^.*$", "b", "^(ab|12)*$"), fc.nat(2), fc.nat(20))
    .map(([source, min, more]) =>
      intersection([pattern(source, WHERE), length(min, min + more), complement(strings(["ab", "b"]), WHERE)], WHERE),
    ),
);

/** Every token that can be read byte by byte. */
function readable(automaton: Automaton, node: Node): number[] {
  return Array.from({ length: tokenizer.size }, (_, id) => id).filter((id) => {
    const bytes = tokenizer.bytes(id);
    return bytes !== undefined && automaton.run(node, bytes) !== null;
  });
}

test("masks of texts hold exactly the tokens that can be read, and each of them leads on", () => {
  const quote = spellings([[0x22]]);
  fc.assert(
    fc.property(
      language.filter((one) => !isEmpty(one)),
      fc.boolean(),
      fc.array(fc.nat(1_000), { maxLength: 12 }),
      (one, recorded, choices) => {
        const part = recorded ? recordedText(one, "json") : textPart(one, "json");
        const automaton = new Automaton(sequence(quote, part, quote));
        let node = automaton.run(automaton.start, Buffer.from('"'))!;
        for (const choice of choices) {
          const ids = readable(automaton, node);
          const mask = maskOf(automaton, node, trie);
          expect(ids).toEqual(Array.from({ length: tokenizer.size }, (_, id) => id).filter((id) => mask.has(id)));
          if (node.done) break;
          expect(ids.length).toBeGreaterThan(0);
          node = automaton.run(node, tokenizer.bytes(ids[choice % ids.length]!)!)!;
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("where a list leaves one byte, that byte is forced, escapes included", () => {
  const automaton = new Automaton(sequence(textPart(strings(["colour red", 'colour "green"']), "json"), spellings([[0x2c]])));
  let node = automaton.start;
  let forced = "";
  while (node.only >= 0) {
    forced += String.fromCharCode(node.only);
    node = automaton.step(node, node.only)!;
  }
  expect(forced).toBe("colour ");
  node = automaton.step(node, "\\".charCodeAt(0))!;
  expect(node.only).toBe('"'.charCodeAt(0));
});
