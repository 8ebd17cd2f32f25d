/** Directories of other exporters, recognised by what lies in them; no graph is read here. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import fc from "fast-check";
import { describeOnnxRepository } from "./describe-onnx-repository.ts";
import { isExport, openModel } from "./open-model.ts";
import { openOnnxRepository } from "./open-onnx-repository.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "orrery-repository-"));
});
afterAll(() => rm(root, { recursive: true }));

const CONFIG = { vocab_size: 100, max_position_embeddings: 50, num_hidden_layers: 3, bos_token_id: 1, eos_token_id: 2 };

/** A directory with empty files of these names, and config.json unless it is null. */
async function repository(names: readonly string[], config: object | null = CONFIG, more: Readonly<Record<string, object>> = {}) {
  const place = await mkdtemp(join(root, "model-"));
  await mkdir(join(place, "onnx"));
  for (const name of names) await writeFile(join(place, name), "");
  for (const [name, json] of Object.entries({ ...(config && { "config.json": config }), ...more }))
    await writeFile(join(place, name), JSON.stringify(json));
  return place;
}

/** The files chosen, relative to the directory. */
async function chosen(place: string, variant?: string): Promise<(string | null)[]> {
  const found = await openOnnxRepository(place, variant);
  return [found!.variant, ...[found!.decoder, found!.embedding].map((path) => path && relative(place, path).replaceAll("\\", "/"))];
}

const ALL = [
  "onnx/model.onnx",
  "onnx/model.onnx_data",
  "onnx/model_fp16.onnx",
  "onnx/model_q4.onnx",
  "onnx/model_q4f16.onnx",
  "onnx/model_quantized.onnx",
];

test("the fastest variant is taken, or the one that is asked for", async () => {
  const place = await repository(ALL);
  expect(await chosen(place)).toEqual(["q4", "onnx/model_q4.onnx", null]);
  expect(await chosen(place, "fp16")).toEqual(["fp16", "onnx/model_fp16.onnx", null]);
  expect(await chosen(place, "fp32")).toEqual(["fp32", "onnx/model.onnx", null]);
  expect(await chosen(place, "q8")).toEqual(["quantized", "onnx/model_quantized.onnx", null]);
  const order = ["q4", "quantized", "fp32", "q4f16", "fp16"];
  for (let i = 1; i < order.length; i++) {
    const rest = order.slice(i).map((variant) => (variant === "fp32" ? "onnx/model.onnx" : `onnx/model_${variant}.onnx`));
    expect((await chosen(await repository(rest.toReversed())))[0]).toBe(order[i]);
  }
  await expect(openOnnxRepository(place, "q2")).rejects.toMatchObject({
    code: "export/unknown-variant",
    message: expect.stringContaining("found fp16, fp32, q4, q4f16, quantized"),
  });
});

test("a decoder comes with its embedding, in the same variant where there is one", async () => {
  const both = [
    "onnx/decoder_model_merged_q4.onnx",
    "onnx/decoder_model_merged_fp16.onnx",
    "onnx/embed_tokens_q4.onnx",
    "onnx/vision_encoder_q4.onnx",
  ];
  expect(await chosen(await repository(both))).toEqual(["q4", "onnx/decoder_model_merged_q4.onnx", "onnx/embed_tokens_q4.onnx"]);
  expect(await chosen(await repository(both), "fp16")).toEqual([
    "fp16",
    "onnx/decoder_model_merged_fp16.onnx",
    "onnx/embed_tokens_q4.onnx",
  ]);
});

test("a graph beside config.json, and one that genai_config.json names", async () => {
  expect(await chosen(await repository(["model.onnx"]))).toEqual(["fp32", "model.onnx", null]);
  const model = { context_length: 20, vocab_size: 100, bos_token_id: 3, eos_token_id: [4, 5], decoder: { filename: "text.onnx" } };
  const place = await repository(["text.onnx", "tables.onnx"], null, {
    "genai_config.json": { model: { ...model, embedding: { filename: "tables.onnx" } } },
  });
  expect(await chosen(place)).toEqual([null, "text.onnx", "tables.onnx"]);
  expect((await openOnnxRepository(place))!.config).toMatchObject({
    contextLength: 20,
    vocabularySize: 100,
    tokens: { bos: 3, stop: [4, 5] },
  });
  await expect(openOnnxRepository(place, "q4")).rejects.toMatchObject({ code: "export/unknown-variant" });
  for (const filename of ["../text.onnx", "none.onnx", "/etc/passwd"]) {
    const bad = await repository([], null, { "genai_config.json": { model: { ...model, decoder: { filename } } } });
    await expect(openOnnxRepository(bad)).rejects.toMatchObject({
      code: expect.stringMatching(/^checkpoint\/(unsafe-path|missing-file)$/),
    });
  }
});

test("of a model of several modalities the text's config counts", async () => {
  const text = { ...CONFIG, num_key_value_heads: 1, head_dim: 256, global_head_dim: 512 };
  const place = await repository(["onnx/model.onnx"], { text_config: text, eos_token_id: [7] });
  expect((await openOnnxRepository(place))!.config).toEqual({
    contextLength: 50,
    vocabularySize: 100,
    layers: 3,
    keyHeads: [1],
    headSizes: [256, 512],
    tokens: { bos: 1, stop: [7] },
  });
});

test("what is no repository is left to others", async () => {
  expect(await openOnnxRepository(join(root, "nowhere"))).toBeNull();
  expect(await openOnnxRepository(await repository(["model.safetensors"]))).toBeNull();
  expect(await openOnnxRepository(await repository(["onnx/decoder_model.onnx"]))).toBeNull();
  expect(await openOnnxRepository(await repository(["model.onnx"], null))).toBeNull();
  expect(await openOnnxRepository(await repository(["model.onnx"], CONFIG, { "manifest.json": {} }))).toBeNull();
  await expect(openModel(await repository(["model.onnx"], null))).rejects.toMatchObject({ code: "export/no-manifest" });
});

test("a decoder in two graphs is said to be one", async () => {
  const pair = await repository(["onnx/decoder_model.onnx", "onnx/decoder_with_past_model.onnx"]);
  await expect(openModel(pair)).rejects.toMatchObject({ code: "export/unmerged-decoder", message: expect.stringContaining("two graphs") });
  const all = ["onnx/decoder_model.onnx", "onnx/decoder_with_past_model.onnx", "onnx/decoder_model_merged.onnx"];
  expect(await chosen(await repository(all))).toEqual(["fp32", "onnx/decoder_model_merged.onnx", null]);
});

test("a repository is described without reading a graph", async () => {
  const place = await repository([...ALL, "onnx/model_q4.onnx_data"]);
  await writeFile(join(place, "onnx/model_q4.onnx"), "graph");
  await writeFile(join(place, "onnx/model_q4.onnx_data"), "numbers");
  await writeFile(join(place, "onnx/model_q4f16.onnx"), "something else");
  expect(await describeOnnxRepository(place)).toMatchObject({
    format: "onnx",
    variant: "q4",
    variants: ["fp16", "fp32", "q4", "q4f16", "quantized"],
    decoder: join("onnx", "model_q4.onnx"),
    embedding: null,
    bytesOnDisk: 12,
    contextLength: 50,
    vocabularySize: 100,
  });
  expect(await describeOnnxRepository(await repository(["model.safetensors"]))).toBeNull();
});

test("an export has no variants", async () => {
  const session = new URL("../fixtures/session/", import.meta.url).pathname;
  expect(isExport(await openModel(session))).toBe(true);
  await expect(openModel(session, "q4")).rejects.toMatchObject({ code: "export/unknown-variant" });
});

test("links of the hub's cache are followed, links to elsewhere are not", async () => {
  const cache = await mkdtemp(join(root, "cache-"));
  const onnx = join(cache, "snapshots/rev/onnx");
  await mkdir(onnx, { recursive: true });
  await mkdir(join(cache, "blobs"));
  await writeFile(join(cache, "blobs/a"), "");
  await writeFile(join(cache, "blobs/b"), JSON.stringify(CONFIG));
  await symlink("../../../blobs/a", join(onnx, "model.onnx"));
  await symlink("../../blobs/b", join(cache, "snapshots/rev/config.json"));
  expect(basename((await openOnnxRepository(join(cache, "snapshots/rev")))!.decoder)).toBe("model.onnx");

  const place = await repository([]);
  await symlink(join(cache, "blobs/a"), join(place, "onnx/model.onnx"));
  await expect(openOnnxRepository(place)).rejects.toMatchObject({ code: "checkpoint/unsafe-path" });
  const linked = await repository([]);
  await rm(join(linked, "onnx"), { recursive: true });
  await symlink(onnx, join(linked, "onnx"));
  await expect(openOnnxRepository(linked)).rejects.toMatchObject({ code: "checkpoint/unsafe-path" });
});

test("a config that does not say what is needed is refused by field", async () => {
  for (const [missing, field] of [
    [{ ...CONFIG, vocab_size: undefined }, "vocab_size"],
    [{ ...CONFIG, max_position_embeddings: undefined }, "max_position_embeddings"],
    [{ ...CONFIG, num_hidden_layers: -1 }, "num_hidden_layers"],
    [{ ...CONFIG, eos_token_id: 100 }, "token id 100"],
  ] as const)
    await expect(openOnnxRepository(await repository(["model.onnx"], missing))).rejects.toMatchObject({
      code: "checkpoint/bad-config",
      message: expect.stringContaining(field),
    });
});

test("any config gives a config or a typed error", async () => {
  const place = await repository(["model.onnx"]);
  const wild = fc.dictionary(fc.constantFrom(...Object.keys(CONFIG), "text_config", "head_dim", "__proto__"), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.record({ base: fc.constantFrom({}, CONFIG), wild }), async ({ base, wild: fields }) => {
      await writeFile(join(place, "config.json"), JSON.stringify({ ...base, ...fields }));
      const outcome = await openOnnxRepository(place).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(/^checkpoint\//) });
      else expect(outcome).toMatchObject({ config: { contextLength: expect.any(Number), vocabularySize: expect.any(Number) } });
    }),
    { numRuns: 60 },
  );
});
