/**
 * The parsers on files with every byte changed, cut at every length, and on anything else fast-check finds. What comes out is a value or
 * an error with a code; no read goes past the file.
 */
import fc from "fast-check";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CheckpointError, TokenizerError } from "../errors.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { readGguf } from "./gguf.ts";
import { tokenizerFromGguf } from "./gguf-tokenizer.ts";
import { METADATA, TENSORS, writeGguf, type Value } from "./gguf-writer.test.support.ts";
import { parseJson } from "./json.ts";
import { readSafetensors } from "./safetensors.ts";
import type { ByteSource } from "./weight-file.ts";

const hostile = fileURLToPath(new URL("../../fixtures/checkpoint/hostile/", import.meta.url));

/** A file in memory that lets nobody read outside it. */
function memory(bytes: Uint8Array): ByteSource {
  const read = (position: number, length: number): Uint8Array => {
    if (position < 0 || length < 0 || position + length > bytes.length) throw new Error(`read ${length} at ${position} of ${bytes.length}`);
    return bytes.slice(position, position + length);
  };
  return { path: "memory", size: bytes.length, read };
}

/** True when it went well, false when it was refused; any other error is a bug. */
function accepts(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof TokenizerError) return false;
    throw error;
  }
}

/** Every byte with one of its bits turned, another one each time, and, unless once is enough, with all of them turned. */
function* flips(bytes: Uint8Array, times: 1 | 2 = 2): Generator<Uint8Array> {
  const changed = Uint8Array.from(bytes);
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1 << (at % 8), 0xff].slice(0, times)) {
      changed[at] = bytes[at]! ^ flip;
      yield changed;
    }
    changed[at] = bytes[at]!;
  }
}

function* cuts(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.subarray(0, length);
}

const few = ["token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight"].map((name) => [name, TENSORS[name]!] as const);
const gguf = writeGguf(METADATA, Object.fromEntries(few)).bytes;
const safetensors = readFileSync(`${hostile}checkpoint/good/model.safetensors`);

describe.each([
  ["GGUF", gguf, readGguf],
  ["safetensors", safetensors, readSafetensors],
])("%s", (_, bytes, read) => {
  test("opens as it is", () => expect(accepts(() => read(memory(bytes)))).toBe(true));

  test("with any byte changed opens or is refused", () => {
    let refused = 0;
    for (const changed of flips(bytes)) if (!accepts(() => read(memory(changed)))) refused++;
    expect(refused).toBeGreaterThan(100);
  });

  test("cut anywhere is refused", () => {
    let opened = 0;
    for (const cut of cuts(bytes)) if (accepts(() => read(memory(cut)))) opened++;
    // Behind the last tensor a GGUF is padded to 32 bytes, which may be missing.
    expect(opened).toBeLessThan(32);
  });

  test("of any bytes opens or is refused", () => {
    const start = bytes.subarray(0, 24);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (any, started) => {
        accepts(() => read(memory(started ? Buffer.concat([start, any]) : any)));
      }),
      { numRuns: 1000 },
    );
  });
});

const word = fc.oneof(fc.constantFrom("a", "b", "ab", "▁", "▁a", "  ", "<0x41>", "<s>", "__proto__", ""), fc.string({ maxLength: 5 }));
const int = fc.integer({ min: -2, max: 8 });
const value: fc.Arbitrary<Value> = fc.oneof(
  int.map((n) => ({ u32: n >>> 0 })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((u64) => ({ u64 })),
  fc.float().map((f32) => ({ f32 })),
  word.map((text) => ({ text })),
  fc.array(word, { maxLength: 8 }).map((texts) => ({ texts })),
  fc.array(int, { maxLength: 8 }).map((i32s) => ({ i32s })),
);

test("GGUF metadata of any values is read back, or refused", () => {
  const key = fc.oneof(fc.constantFrom(...Object.keys(METADATA), "general.alignment", "split.count"), word);
  fc.assert(
    fc.property(fc.dictionary(key, value), (metadata) => {
      accepts(() => expect(readGguf(memory(writeGguf(metadata, {}).bytes)).metadata.size).toBe(Object.keys(metadata).length));
    }),
    { numRuns: 500 },
  );
});

test("a vocabulary of any tokens, types, scores and merges gives a tokenizer that encodes and reads back, or is refused", () => {
  const vocabulary = fc.record(
    {
      model: fc.constantFrom("gpt2", "llama", "gemma4", "bert"),
      pre: fc.constantFrom("smollm", "gpt-2", "qwen2", "llama-bpe", "nonesuch"),
      entries: fc.uniqueArray(fc.tuple(word, fc.integer({ min: 0, max: 7 }), fc.double()), { maxLength: 12, selector: ([token]) => token }),
      merges: fc.option(
        fc.array(
          fc.tuple(word, word).map((parts) => parts.join(" ")),
          { maxLength: 6 },
        ),
      ),
      bos: fc.option(int),
      text: fc.string({ unit: fc.constantFrom("a", "b", " ", "▁", "é", "\n", "<s>", "\ud800") }),
    },
    { noNullPrototype: true },
  );
  let built = 0;
  fc.assert(
    fc.property(vocabulary, ({ model, pre, entries, merges, bos, text }) => {
      const metadata = new Map<string, string | number | boolean | readonly string[] | readonly number[]>([
        ["tokenizer.ggml.model", model],
        ["tokenizer.ggml.pre", pre],
        ["tokenizer.ggml.tokens", entries.map(([token]) => token)],
        ["tokenizer.ggml.token_type", entries.map(([, type]) => type)],
        ["tokenizer.ggml.scores", entries.map(([, , score]) => score)],
        ["tokenizer.ggml.add_space_prefix", false],
      ]);
      if (merges !== null) metadata.set("tokenizer.ggml.merges", merges);
      if (bos !== null) metadata.set("tokenizer.ggml.bos_token_id", bos);
      accepts(() => {
        const files = tokenizerFromGguf(metadata, "memory");
        if (files === null) return;
        const tokenizer = createTokenizer(files.json, files.config);
        const ids = tokenizer.encode(text);
        for (const id of ids) expect(tokenizer.bytes(id)).toBeDefined();
        tokenizer.decode(ids);
        built++;
      });
    }),
    { numRuns: 1000 },
  );
  expect(built).toBeGreaterThan(20);
});

test("JSON of any bytes is a value or refused, and what JSON.parse takes is the same value", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map((text) => Uint8Array.from(Buffer.from(text))),
    fc
      .string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "1", " ") })
      .map((text) => Uint8Array.from(Buffer.from(text))),
  );
  fc.assert(
    fc.property(bytes, (any) => {
      accepts(() => expect(parseJson(any, "memory", "file")).toEqual(JSON.parse(Buffer.from(any).toString("utf8"))));
    }),
    { numRuns: 1000 },
  );
});

describe("a directory", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Opens the directory with each of these contents in a file. */
  async function refusedWith(file: string, contents: Iterable<Uint8Array>): Promise<number> {
    let refused = 0;
    for (const bytes of contents) {
      writeFileSync(join(folder, file), bytes);
      try {
        await (await openCheckpoint(folder)).close();
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        refused++;
      }
    }
    return refused;
  }

  test("whose config.json has any byte changed, or is cut anywhere, opens or is refused", async () => {
    cpSync(`${hostile}checkpoint/good`, folder, { recursive: true });
    const config = readFileSync(join(folder, "config.json"));
    expect(await refusedWith("config.json", [config])).toBe(0);
    expect(await refusedWith("config.json", flips(config, 1))).toBeGreaterThan(config.length / 3);
    expect(await refusedWith("config.json", cuts(config))).toBe(config.length);
  }, 60_000);

  test("whose index has any byte changed, or is cut anywhere, opens or is refused", async () => {
    cpSync(`${hostile}checkpoint/good`, folder, { recursive: true });
    const names = Object.keys(JSON.parse(safetensors.toString("utf8", 8, 8 + Number(safetensors.readBigUInt64LE()))) as object);
    const tensors = names.filter((name) => name !== "__metadata__");
    const index = Buffer.from(JSON.stringify({ weight_map: Object.fromEntries(tensors.map((name) => [name, "model.safetensors"])) }));
    expect(await refusedWith("model.safetensors.index.json", [index])).toBe(0);
    expect(await refusedWith("model.safetensors.index.json", flips(index, 1))).toBeGreaterThan(index.length / 2);
    expect(await refusedWith("model.safetensors.index.json", cuts(index))).toBe(index.length);
  }, 60_000);
});

test("a tokenizer.json with any byte changed, or cut anywhere, gives a tokenizer or is refused", () => {
  const file = readFileSync(`${hostile}tokenizer/good/tokenizer.json`);
  let built = 0;
  for (const contents of [cuts(file), flips(file)]) {
    for (const bytes of contents)
      if (accepts(() => createTokenizer(parseJson(bytes, "tokenizer.json", "file")).encode("abcab <bos>"))) built++;
  }
  expect(built).toBeGreaterThan(20);
});
