/** A directory of another exporter through `loadModel`: text is continued, a chat is refused where the tokenizer knows no format. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Graph } from "./graph/graph.ts";
import { gather } from "./graph/ops/select.ts";
import { loadModel } from "./model.ts";
import { FIXTURE_CONFIG, fixtureDecoder, writeRepository } from "./session/past-present.test.support.ts";
import { openSession } from "./session/open.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";

/** Sixteen letters, a token each. */
const TOKENIZER = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: false },
  decoder: { type: "ByteLevel" },
  model: { type: "BPE", vocab: Object.fromEntries([..."abcdefghijklmnop"].map((letter, id) => [letter, id])), merges: [] },
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "orrery-repository-"));
  await writeRepository(directory, {
    "config.json": FIXTURE_CONFIG,
    "tokenizer.json": TOKENIZER,
    "onnx/model_fp16.onnx": fixtureDecoder({ half: true }),
    "onnx/model_q4.onnx": fixtureDecoder(),
  });
});
afterEach(() => rm(directory, { recursive: true }));

test("a text is continued, greedily, as the session's logits say", async () => {
  const session = await openSession(directory, { threads: 1 });
  const tokens = createTokenizer(TOKENIZER, undefined).encode("abba");
  const sequence = session.createSequence();
  let logits = await sequence.append(tokens);
  let expected = "";
  for (let i = 0; i < 12; i++) {
    const id = logits.indexOf(Math.max(...logits));
    expected += "abcdefghijklmnop"[id];
    if (id === FIXTURE_CONFIG.eos_token_id) break;
    logits = await sequence.append([id]);
  }
  await session.dispose();

  for (const options of [{}, { variant: "fp16" }]) {
    const model = await loadModel(directory, { threads: 1, ...options });
    try {
      expect(model.manifest).toBeNull();
      expect(model.contextLength).toBe(1024);
      let text = "";
      for await (const delta of model.generate("abba", { maxTokens: 12 })) text += delta;
      expect(text).toBe(expected);
      const aborted = model.generate("abc", { signal: AbortSignal.abort() });
      await expect(aborted.next()).rejects.toMatchObject({ code: "session/aborted" });
    } finally {
      await model.dispose();
    }
  }
});

test("a chat with a model of another format is refused at once, by the tokens it lacks", async () => {
  const model = await loadModel(directory, { threads: 1 });
  try {
    expect(() => model.stream({ messages: [{ role: "user", content: "hi" }] })).toThrow(
      expect.objectContaining({ code: "prompt/no-chat-format", message: expect.stringContaining("<|turn>") }),
    );
  } finally {
    await model.dispose();
  }
});

test("files that are not whole or not there give typed errors", async () => {
  await expect(loadModel(directory, { variant: "int8" })).rejects.toMatchObject({ code: "export/unknown-variant" });
  await truncate(join(directory, "onnx/model_q4.onnx"), 300);
  await expect(loadModel(directory)).rejects.toMatchObject({
    code: "session/load-failed",
    message: expect.stringContaining("model_q4.onnx"),
  });
  await writeFile(join(directory, "config.json"), JSON.stringify({ ...FIXTURE_CONFIG, vocab_size: 17 }));
  await expect(loadModel(directory, { variant: "fp16" })).rejects.toMatchObject({ code: "session/wrong-graph" });
  await rm(join(directory, "tokenizer.json"));
  await expect(loadModel(directory, { variant: "fp16" })).rejects.toMatchObject({ code: expect.stringMatching(/^(session|tokenizer)\//) });
});

test("data files that are cut short, lie outside or are missing are refused, and do not end the process", async () => {
  const graphWith = (file: string): Graph => {
    const graph = new Graph("external");
    const x = graph.input("input_ids", "int64", [1, "S"]);
    graph.output("logits", gather(graph.weight("table", "float32", [16, 16], { file, offset: 0, length: 1024 }), x));
    return graph;
  };
  await writeFile(join(directory, "secret"), new Uint8Array(1024));
  await writeFile(join(directory, "onnx/short"), new Uint8Array(100));
  for (const file of ["short", "nowhere", "../secret", join(directory, "secret")]) {
    await writeRepository(directory, { "onnx/model_q4.onnx": graphWith(file) });
    await expect(loadModel(directory)).rejects.toMatchObject({ code: "session/load-failed" });
  }
  await writeFile(join(directory, "onnx/whole"), new Uint8Array(1024));
  await writeRepository(directory, { "onnx/model_q4.onnx": graphWith("whole") });
  await expect(loadModel(directory)).rejects.toMatchObject({
    code: "session/wrong-graph",
    message: expect.stringContaining("takes no past"),
  });
});
