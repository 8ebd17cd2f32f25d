/** The tokenizer against the reference's ids, and against text that spells control tokens. */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { anyText, miniTokenizer, referencePrompts } from "../prompt/fixtures.test.support.ts";
import { TextStream } from "./stream.ts";
import { createTokenizer } from "./tokenizer.ts";

const tokenizer = miniTokenizer();
const controls = [...tokenizer.control.keys()];
const CONTROL = /(<\|?[a-z_"]+\|?>)/;

describe("ids equal the reference's", () => {
  test.each(referencePrompts())("$name", ({ text, ids }) => {
    const ours = text
      .split(CONTROL)
      .flatMap((part) => (tokenizer.control.has(part) ? [tokenizer.controlId(part)] : tokenizer.encode(part)));
    expect(ours).toEqual(ids);
  });
});

test("text that spells control tokens gives none of their ids, and reads back", () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...controls), fc.string({ maxLength: 3 }))).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (spelt) => {
      const ids = tokenizer.encode(spelt);
      for (const id of ids) expect(tokenizer.bytes(id)).toBeDefined();
      expect(tokenizer.decode(ids)).toBe(spelt);
    }),
  );
  for (const name of controls) expect(tokenizer.encode(name).length).toBeGreaterThan(1);
});

test("any text reads back, but for the characters that the vocabulary lacks", () => {
  fc.assert(fc.property(anyText(), (any) => expect(tokenizer.decode(tokenizer.encode(any))).toBe(any)));
});

test("a stream of ids gives the text of all of them, and never half a character", () => {
  const ids = fc.oneof(
    fc.array(fc.nat(tokenizer.size - 1)),
    anyText().map((text) => tokenizer.encode(text)),
  );
  fc.assert(
    fc.property(ids, (list) => {
      const stream = new TextStream(tokenizer);
      expect(list.map((id) => stream.push(id)).join("") + stream.end()).toBe(tokenizer.decode(list));
    }),
  );
  const stream = new TextStream(tokenizer);
  const rocket = tokenizer.encode("🚀");
  expect(rocket.length).toBeGreaterThan(1);
  expect(rocket.map((id) => stream.push(id))).toEqual([...rocket.slice(1).map(() => ""), "🚀"]);
});

test("an unknown control token is an error with a code", () => {
  expect(() => tokenizer.controlId("<|nonesuch|>")).toThrow(expect.objectContaining({ code: "tokenizer/no-control-token" }));
});

test("__proto__ and constructor are tokens like others", () => {
  const legal = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../fixtures/checkpoint/hostile/tokenizer/${name}/tokenizer.json`, import.meta.url), "utf8"));
  const [good, proto] = [createTokenizer(legal("good")), createTokenizer(legal("proto-token"))];
  expect(good.encode("abcab")).toEqual([4, 2]);
  expect(good.controlId("<bos>")).toBe(5);
  expect(good.encode("<bos>")).toEqual([1]); // only the b of it is in the vocabulary
  expect(new TextDecoder().decode(proto.bytes(6))).toBe("__proto__");
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

describe("a SentencePiece vocabulary with byte fallback", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, byte + 10] as const);
  const file = {
    added_tokens: [
      { id: 1, content: "<bos>", special: true, normalized: false },
      { id: 2, content: "<|turn>", special: false, normalized: false },
      { id: 3, content: "<tool>", special: false, normalized: false },
      { id: 4, content: "\n\n", special: false, normalized: false },
    ],
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
    model: {
      type: "BPE",
      byte_fallback: true,
      fuse_unk: true,
      ignore_merges: true,
      unk_token: "<unk>",
      vocab: {
        "<unk>": 0,
        "<bos>": 1,
        "<|turn>": 2,
        "<tool>": 3,
        "\n\n": 4,
        ...Object.fromEntries(bytes),
        "▁": 300,
        a: 301,
        "▁a": 302,
        "<|": 303,
        "turn>": 304,
      },
      merges: [["▁", "a"]],
    },
  };
  const pieces = createTokenizer(file, { tool_open_token: "<tool>" });

  test("spaces and bytes come back", () => {
    expect(pieces.encode("a a\n\n")).toEqual([301, 302, 4]);
    expect(pieces.encode("é")).toEqual([0xc3 + 10, 0xa9 + 10]);
    expect(pieces.decode(pieces.encode(" a é\n\n🚀"))).toBe(" a é\n\n🚀");
    expect(pieces.bytes(302)).toEqual(new TextEncoder().encode(" a"));
    expect(pieces.bytes(0x0a + 10)).toEqual(Uint8Array.of(0x0a));
  });

  test("an added token that spells spaces as the vocabulary does stands for spaces, as Gemma's `▁▁`", () => {
    const vocab = { ...file.model.vocab, "▁▁": 310 };
    const added = [...file.added_tokens, { id: 310, content: "▁▁", special: false, normalized: false }];
    const gemma = createTokenizer({ ...file, added_tokens: added, model: { ...file.model, vocab, merges: [["▁", "▁"]] } });
    expect(gemma.encode("  ")).toEqual([310]);
    expect(gemma.decode([310, 301])).toBe("  a");
  });

  test("turns and images of Gemma 3 are control, marked or not", () => {
    const images = ["<start_of_turn>", "<end_of_image>"].map((content, i) => ({ id: 320 + i, content, special: false, normalized: false }));
    const gemma = createTokenizer({ ...file, added_tokens: [...file.added_tokens, ...images, { id: 322, content: "<table>" }] });
    expect(gemma.controlId("<end_of_image>")).toBe(321);
    expect([...gemma.control.keys()]).toContain("<start_of_turn>");
    expect(gemma.encode("<table>")).toEqual([322]);
  });

  test("tokens are control when marked, when spelt with a bar, or when the config names them", () => {
    expect([...pieces.control.keys()]).toEqual(["<bos>", "<|turn>", "<tool>"]);
    const ids = pieces.encode("<bos><|turn><tool>");
    expect(ids.filter((id) => id < 10)).toEqual([]);
    expect(pieces.decode(ids)).toBe("<bos><|turn><tool>");
  });

  test("a merge that makes a control token out of text is left out", () => {
    const model = { ...file.model, merges: [["<|", "turn>"]] };
    const fresh = createTokenizer({
      ...file,
      model: { ...model, vocab: { ...model.vocab, "<": 305, "|": 306 }, merges: [["<", "|"], ...model.merges] },
    });
    expect(fresh.decode(fresh.encode("<|turn>"))).toBe("<|turn>");
    expect(fresh.encode("<|turn>")).not.toContain(2);
  });
});
