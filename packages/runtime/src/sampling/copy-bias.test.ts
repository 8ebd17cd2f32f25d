import fc from "fast-check";
import type { Position } from "../constraint/position.ts";
import { trieOf } from "../constraint/trie.ts";
import { smallTokenizer } from "../constraint/vocabulary.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { CopyBias } from "./copy-bias.ts";
import { CopySource } from "./copy-source.ts";

const tokenizer = smallTokenizer(["Dun", "can", "Dunc", "ham", " Du", "an", "1", "12", ",b:", "é", "\0", "ab", "ba", "abba"]);
const quote = tokenizer.controlId(GEMMA4_FORMAT.quote);

function following(passages: readonly string[], written: readonly number[] = [], position: Position = "string"): CopyBias {
  const bias = new CopyBias(new CopySource(passages), tokenizer, trieOf(tokenizer), quote);
  if (position === "string") bias.push(quote, "structure");
  for (const id of written) bias.push(id, position);
  return bias;
}

const spelt = (ids: ReadonlySet<number>) => [...ids].map((id) => (id === quote ? "⟨end⟩" : tokenizer.decode([id]))).toSorted();

test("a name that is begun goes on as it was said, and does not end in its middle", () => {
  const said = ["Meet Dr. Duncan, not Dunc."];
  expect(spelt(following(said, tokenizer.encode("Dun")).next("string"))).toEqual(["c", "can"]);
  expect(spelt(following(said, tokenizer.encode("Dunc")).next("string"))).toEqual([".", "a", "an", "⟨end⟩"]);
  expect(spelt(following(said, tokenizer.encode("Duncan")).next("string"))).toEqual([",", "⟨end⟩"]);
  expect(spelt(following(said, tokenizer.encode("Dunh")).next("string"))).toEqual([]);
});

test("nothing is said before a value's first byte, and outside values", () => {
  const said = ["Duncan"];
  expect(following(said).next("string").size).toBe(0);
  const inside = following(said, tokenizer.encode("Dun"));
  for (const position of ["structure", "move", "tool-name", "free-text", "thought"] as const) expect(inside.next(position).size).toBe(0);
});

test("the next value begins anew: after a quote, and after the comma of a bare value", () => {
  const bias = following(["Duncan 128"], tokenizer.encode("Dunc"));
  bias.push(quote, "string");
  bias.push(quote, "structure");
  expect(bias.next("string").size).toBe(0);
  for (const id of tokenizer.encode("Dun")) bias.push(id, "string");
  expect(spelt(bias.next("string"))).toEqual(["c", "can"]);

  const bare = following(["128 of 12"], tokenizer.encode("12"), "number");
  expect(spelt(bare.next("number"))).toEqual(
    ["8", "⟨end⟩", " ", "\0", ",", ",b:", "]", "}"].filter((t) => ![" ", "\0"].includes(t)).toSorted(),
  );
  for (const id of tokenizer.encode(",b:")) bare.push(id, "number");
  expect(bare.next("number").size).toBe(0);
  for (const id of tokenizer.encode("1")) bare.push(id, "number");
  expect(spelt(bare.next("number"))).toEqual(["2"]);
});

const text = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", " ", ".", "é", "1"), maxLength });
const values = fc.array(text(8), { minLength: 1, maxLength: 3 });

/** What may follow `written`, found by trying every token at every place. */
function byTrying(passages: readonly string[], written: string): Set<number> {
  const bytesOf = (one: string) => Buffer.from(one).toString("latin1");
  const ids = new Set<number>();
  for (const passage of passages) {
    for (const { index } of passage.matchAll(/(?<![\p{L}\p{M}\p{N}])[^\s\0]/gu)) {
      const rest = passage.slice(index);
      if (!rest.startsWith(written)) continue;
      const left = bytesOf(rest.slice(written.length));
      for (let id = 0; id < tokenizer.size; id++) {
        const bytes = tokenizer.bytes(id);
        if (bytes && left.startsWith(Buffer.from(bytes).toString("latin1"))) ids.add(id);
      }
      const word = /[\p{L}\p{M}\p{N}]/u;
      const last = written.at(-1)!;
      if (!/\s/u.test(last) && !(word.test(last) && word.test(rest[written.length] ?? ""))) ids.add(quote);
    }
  }
  return ids;
}

test("the tokens are those that trying every one at every place finds, however the value is cut into tokens", () => {
  fc.assert(
    fc.property(values, text(4), fc.nat(), (passages, other, pick) => {
      const words = passages.flatMap((passage) => [...passage.matchAll(/\S+/gu)].map(([word]) => word));
      const written = (words[pick % Math.max(1, words.length)] ?? other).slice(0, 1 + (pick % 3));
      if (written === "") return;
      const wanted = byTrying(passages, written);
      const bySingleBytes = [...Buffer.from(written)];
      for (const ids of [tokenizer.encode(written), bySingleBytes])
        expect(new Set(following(passages, ids).next("string"))).toEqual(wanted);
    }),
  );
});

test("of a text that occurs a hundred thousand times only the latest occurrences are followed", () => {
  const bias = following(["Duncan ", "Dunham ".repeat(100_000)], tokenizer.encode("Dun"));
  expect(spelt(bias.next("string"))).toEqual(["h", "ham"]);
});
