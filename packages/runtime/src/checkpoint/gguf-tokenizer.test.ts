/** Tokenizers out of a GGUF's metadata: the ids of the tokenizer.json they were made of, or of SentencePiece's own rule. */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { anyText, miniTokenizer, referencePrompts } from "../prompt/fixtures.test.support.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { tokenizerFromGguf } from "./gguf-tokenizer.ts";
import type { GgufValue } from "./gguf-cursor.ts";

type Metadata = Readonly<Record<string, GgufValue>>;

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;
const BYTE = 6;

/** Keys without `tokenizer.ggml.`, unless they have a dot. */
function build(fields: Metadata): Tokenizer | null {
  const files = tokenizerFromGguf(metadata(fields), "model.gguf");
  return files && createTokenizer(JSON.parse(JSON.stringify(files.json)), files.config);
}

function metadata(fields: Metadata): ReadonlyMap<string, GgufValue> {
  return new Map(Object.entries(fields).map(([key, value]) => [key.includes(".") ? key : `tokenizer.ggml.${key}`, value]));
}

describe("Orrery Mini's vocabulary, byte-level", () => {
  interface File {
    readonly added_tokens: readonly { readonly id: number; readonly special: boolean }[];
    readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly (readonly [string, string])[] };
  }
  const original = JSON.parse(readFileSync(new URL("../../../model/data/tokenizer.json", import.meta.url), "utf8")) as File;
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(original.model.vocab)) tokens[id] = token;
  const types = tokens.map(() => NORMAL);
  for (const { id, special } of original.added_tokens) types[id] = special ? CONTROL : USER_DEFINED;
  const merges = original.model.merges.map((merge) => [...merge].join(" "));
  const made = build({ model: "gpt2", pre: "smollm", tokens, token_type: types, merges })!;

  test("gives the ids of its tokenizer.json, for prompts and for any text", () => {
    const mini = miniTokenizer();
    expect([...made.control]).toEqual([...mini.control]);
    for (const { text } of referencePrompts()) expect(made.encode(text)).toEqual(mini.encode(text));
    fc.assert(fc.property(anyText(), (text) => expect(made.encode(text)).toEqual(mini.encode(text))));
  });
});

describe("byte-level pre-tokenizers", () => {
  const tokens = ["1", "2", "12", "122", "1221", "a", "Ċ", "Ã", "©", "Ã©", "Ì", "ģ", "e", "[PAD14]", "[PAD15]", "é"];
  const merges = ["1 2", "12 2", "122 1", "Ã ©"];
  const fields = { model: "gpt2", tokens, token_type: tokens.map((token) => (token.startsWith("[") ? UNUSED : NORMAL)), merges };
  const spelt = (pre: string, text: string) => {
    const made = build({ ...fields, pre })!;
    return made.encode(text).map((id) => made.decode([id]));
  };

  test.each([
    ["gpt-2", ["1221"]],
    ["phi-2", ["1221"]],
    ["smollm", ["1", "2", "2", "1"]],
    ["refact", ["1", "2", "2", "1"]],
    ["starcoder", ["1", "2", "2", "1"]],
    ["dbrx", ["122", "1"]],
    ["llama-bpe", ["122", "1"]],
    ["llama3", ["122", "1"]],
    ["llama-v3", ["122", "1"]],
    ["qwen2", ["1", "2", "2", "1"]],
  ])("%s parts digits as %j", (pre, parts) => expect(spelt(pre, "1221")).toEqual(parts));

  test("Qwen composes accents first, the others do not", () => {
    expect(spelt("qwen2", "e\u0301")).toEqual(["é"]);
    expect(spelt("gpt-2", "e\u0301")).not.toEqual(["é"]);
  });

  test("an id that fills up the vocabulary stands for nothing", () => {
    const made = build({ ...fields, pre: "gpt-2" })!;
    expect(made.bytes(13)).toBeUndefined();
    expect(made.encode("[PAD14]")).toEqual([0]); // of the letters, the vocabulary has only the 1
  });

  test("one that is not known gives no tokenizer, and neither does another kind of vocabulary", () => {
    expect(build({ ...fields, pre: "default" })).toBeNull();
    expect(build(fields)).toBeNull();
    expect(build({ ...fields, model: "bert", pre: "gpt-2" })).toBeNull();
    expect(tokenizerFromGguf(new Map(), "model.gguf")).toBeNull();
  });
});

describe("a SentencePiece vocabulary", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>"];
  const added = ["\n", "\n\n", "\n\n\n", "  ", "   ", "<b>"];
  // In the order learned: from this text, what stands often side by side.
  const text = "the moon and the planets turn about the sun, and all the moons turn about their planets; in the night the stars turn too";
  const learned = learn(text.replaceAll(" ", "▁"), 120);
  const letters = [...new Set(text.replaceAll(" ", "▁") + "abcdefghijklmnopqrstuvwxyz🚀")];
  const tokens = [...special, ...added, ...bytes, ...learned, ...letters];
  const first = special.length + added.length + bytes.length;
  const types = tokens.map((token, i) =>
    i === 3 ? UNKNOWN : i < special.length ? CONTROL : added.includes(token) ? USER_DEFINED : i < first ? BYTE : NORMAL,
  );
  const scores = tokens.map((_, i) => (types[i] === NORMAL ? first - i : types[i] === BYTE ? 0 : -1000));
  const fields: Metadata = {
    model: "llama",
    pre: "default",
    tokens,
    scores,
    token_type: types,
    add_space_prefix: false,
    unknown_token_id: 3,
    bos_token_id: 2,
  };
  const made = build(fields)!;

  /** SentencePiece's rule, said once more and slowly: merge the neighbours that make the best token, until none do. */
  function byRule(piece: string): number[] {
    const score = new Map(tokens.map((token, i) => [token.replaceAll(" ", "▁"), types[i] === NORMAL ? scores[i]! : 0]));
    const symbols = [...piece.replaceAll(" ", "▁")];
    for (;;) {
      let best = -1;
      const rank = (at: number): readonly [number, number] => [
        score.get(symbols[at]! + symbols[at + 1]!) ?? -Infinity,
        symbols[at]!.length,
      ];
      for (let at = 0; at + 1 < symbols.length; at++) {
        const [a, b] = [rank(at), best < 0 ? [-Infinity, 0] : rank(best)];
        if (a[0] > b[0]! || (a[0] === b[0] && a[0] > -Infinity && a[1] > b[1]!)) best = at;
      }
      if (best < 0) break;
      symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
    }
    const id = (symbol: string) => tokens.findIndex((token, i) => token.replaceAll(" ", "▁") === symbol && i >= special.length);
    return symbols.flatMap((symbol) =>
      id(symbol) >= 0 ? [id(symbol)] : [...Buffer.from(symbol)].map((byte) => tokens.indexOf(bytes[byte]!)),
    );
  }

  test("with scores and without merges merges by SentencePiece's rule", () => {
    const word = fc.constantFrom("the", " moon", " and", "turn", "planets ", "  ", "   ", "    ", "é", "🚀", "中", "▁", "q", ";", "in");
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 4 })), { maxLength: 12 }), (words) => {
        const piece = words.join("").replace(/<b>|\n|▁▁+/g, ""); // those are added tokens, cut out before the rule applies
        expect(made.encode(piece)).toEqual(byRule(piece));
      }),
      { numRuns: 300 },
    );
    expect(made.encode("the planets").length).toBeLessThan(4);
  });

  test("merges go before scores", () => {
    const [left, right] = [...learned[0]!];
    const merged = build({ ...fields, model: "gemma4", scores: scores.map(() => -1000), merges: [`${left} ${right}`] })!;
    const spelt = (tokenizer: Tokenizer) => tokenizer.encode("the the").map((id) => tokenizer.decode([id]));
    expect(spelt(merged)).toEqual(["t", "h", "e", " t", "h", "e"]);
    expect(spelt(made).length).toBeLessThan(6);
  });

  test("types of tokens: control and unknown only by name, user-defined before the merges, bytes for what is not spelt", () => {
    expect([...made.control]).toEqual([
      ["<pad>", 0],
      ["<eos>", 1],
      ["<bos>", 2],
      ["<unk>", 3],
      ["<start_of_turn>", 4],
    ]);
    expect(made.encode("<start_of_turn><unk>").filter((id) => id < special.length)).toEqual([]);
    expect(made.encode("\n\n\n<b>")).toEqual([tokens.indexOf("\n\n\n"), tokens.indexOf("<b>")]);
    expect(made.encode("é")).toEqual([0xc3, 0xa9].map((byte) => tokens.indexOf(bytes[byte]!)));
    expect(made.encode("\ud800")).toEqual(made.encode("\ufffd"));
  });

  test("no space is written before a text, spaces and bytes come back", () => {
    expect(made.decode(made.encode("the  sun"))).toBe("the  sun");
    fc.assert(fc.property(anyText(), (any) => expect(made.decode(made.encode(any))).toBe(any.replaceAll("▁", " "))));
    expect(made.bytes(tokens.indexOf("   "))).toEqual(new TextEncoder().encode("   "));
  });

  test("a space before every text, or fewer spaces, is a tokenizer that is not built", () => {
    const { add_space_prefix: _, ...silent } = fields;
    expect(build({ ...silent, "general.architecture": "llama" })).toBeNull();
    expect(build({ ...silent, "general.architecture": "gemma3" })).not.toBeNull();
    expect(build({ ...fields, add_space_prefix: true })).toBeNull();
    expect(build({ ...fields, remove_extra_whitespaces: true })).toBeNull();
  });

  test.each<[what: string, change: Metadata, code: string, words: RegExp]>([
    ["scores for other tokens", { scores: [1] }, "bad-config", /tokenizer\.ggml\.scores has 1 entries/],
    ["types for other tokens", { token_type: [1] }, "bad-config", /tokenizer\.ggml\.token_type has 1 entries/],
    ["a score of NaN", { scores: scores.with(7, NaN) }, "bad-config", /tokenizer\.ggml\.scores\.7/],
    ["a token twice", { tokens: tokens.with(0, "<eos>") }, "bad-config", /"<eos>" as 0 and as 1/],
    ["a merge without parts", { merges: ["the"] }, "bad-config", /merges\[0\] is "the"/],
    ["a start outside", { bos_token_id: 2 ** 20 }, "bad-config", /bos_token_id is 1048576/],
    ["a token that takes for ever to part", { tokens: tokens.with(first, "a".repeat(1 << 20)) }, "too-large", /tokenizer\.ggml\.tokens/],
  ])("%s is refused", (_, change, code, words) => {
    const wrong = () => tokenizerFromGguf(metadata({ ...fields, ...change }), "model.gguf");
    expect(wrong).toThrow(expect.objectContaining({ code: `checkpoint/${code}`, message: expect.stringMatching(words) as string }));
    expect(wrong).toThrow("model.gguf");
  });

  test("a vocabulary without merges and scores, and one with too many merges, are refused", () => {
    const { scores: _, ...bare } = fields;
    expect(() => build(bare)).toThrow(expect.objectContaining({ code: "checkpoint/bad-config" }));
    // A run of n equal letters parts in n − 1 ways: 62 letters' runs of 1 to 200 in 1.2 million.
    const letters = Array.from({ length: 62 }, (_, i) => String.fromCharCode(0x100 + i));
    const many = letters.flatMap((letter) => Array.from({ length: 200 }, (_, i) => letter.repeat(i + 1)));
    const wrong = { ...fields, tokens: many, scores: many.map(() => 0), token_type: many.map(() => NORMAL), unknown_token_id: 0 };
    expect(() => build(wrong)).toThrow(
      expect.objectContaining({ code: "checkpoint/too-large", message: expect.stringContaining("merges, expected at most") as string }),
    );
  });
});

/** Byte-pair encoding: the most frequent pair of neighbours becomes a token, `count` times. */
function learn(text: string, count: number): string[] {
  const symbols = [...text];
  const learned: string[] = [];
  while (learned.length < count) {
    const pairs = new Map<string, number>();
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair = symbols[i]! + symbols[i + 1]!;
      if (!learned.includes(pair)) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
    const best = [...pairs].toSorted((a, b) => b[1] - a[1])[0];
    if (best === undefined) return learned;
    learned.push(best[0]);
    for (let i = 0; i + 1 < symbols.length; i++) if (symbols[i]! + symbols[i + 1]! === best[0]) symbols.splice(i, 2, best[0]);
  }
  return learned;
}
