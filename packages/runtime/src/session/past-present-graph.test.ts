/** What a graph's metadata may say, and what is refused before anything is run. */
import type { InferenceSession } from "onnxruntime-node";
import { readPastPresentGraph } from "./past-present-graph.ts";

type Tensors = Readonly<Record<string, readonly [type: string, ...shape: (number | string)[]]>>;

const SHAPE = { contextLength: 50, vocabularySize: 100, layers: 3, keyHeads: [2], headSizes: [4, 8] };
const INPUTS: Tensors = {
  input_ids: ["int64", "batch", "sequence"],
  attention_mask: ["int64", "batch", "total"],
  "past_key_values.0.key": ["float32", "batch", 2, "past", 4],
  "past_key_values.0.value": ["float32", "batch", 2, "past", 4],
};
const OUTPUTS: Tensors = {
  logits: ["float32", "batch", "sequence", 100],
  "present.0.key": ["float32", "batch", 2, "total", 4],
  "present.0.value": ["float32", "batch", 2, "total", 4],
};

function metadata(tensors: Tensors): InferenceSession.ValueMetadata[] {
  return Object.entries(tensors).map(
    ([name, [type, ...shape]]) => ({ name, isTensor: true, type, shape }) as InferenceSession.ValueMetadata,
  );
}

function read(
  inputs: Tensors,
  outputs: Tensors = {},
  embedding: readonly [Tensors, Tensors] | null = null,
  shape: Partial<typeof SHAPE> = {},
) {
  const graph = (takes: Tensors, gives: Tensors) => ({ inputMetadata: metadata(takes), outputMetadata: metadata(gives) });
  return readPastPresentGraph(graph({ ...INPUTS, ...inputs }, { ...OUTPUTS, ...outputs }), embedding && graph(...embedding), {
    ...SHAPE,
    ...shape,
  });
}

test("sizes, number types and names are the graph's own", () => {
  expect(
    read(
      {
        "past_key_values.2.key": ["float16", 1, 2, "past", 8],
        "past_key_values.2.value": ["float16", 1, 2, "past", 8],
        position_ids: ["int32", 1, "s"],
        num_logits_to_keep: ["int64"],
        use_cache_branch: ["bool", 1],
      },
      { "present.2.key": ["float16", 1, 2, "all", 8], "present.2.value": ["float16", 1, 2, "all", 8] },
    ),
  ).toMatchObject({
    inputs: [
      { role: "input_ids", type: "int64", rank: 2 },
      { role: "attention_mask" },
      { role: "position_ids", type: "int32" },
      { role: "num_logits_to_keep", rank: 0 },
      { role: "use_cache_branch", type: "bool" },
    ],
    pairs: [
      { past: "past_key_values.0.key", present: "present.0.key", type: "float32", heads: 2, size: 4 },
      { past: "past_key_values.0.value" },
      { past: "past_key_values.2.key", present: "present.2.key", type: "float16", size: 8 },
      { past: "past_key_values.2.value" },
    ],
  });
});

test("what the graph leaves open is taken from the config, when it says one number", () => {
  const open: Tensors = { "past_key_values.0.key": ["float32", "b", "heads", "past", 4] };
  expect(read(open).pairs[0]).toMatchObject({ heads: 2, size: 4 });
  expect(() => read(open, {}, null, { keyHeads: [1, 2] })).toThrow(expect.objectContaining({ code: "session/wrong-graph" }));
});

test("inputs that a text does not give are named", () => {
  const more: Tensors = { pixel_values: ["float32", 1, 3], "past_key_values.0.encoder.key": ["float32", 1, 2, "p", 4] };
  expect(() => read(more)).toThrow(
    expect.objectContaining({
      code: "session/unknown-input",
      message: expect.stringContaining('"pixel_values", "past_key_values.0.encoder.key"'),
    }),
  );
  const embedding = [
    { input_ids: ["int64", 1, "s"], image_features: ["float32", "n", 8] },
    { inputs_embeds: ["float32", 1, "s", 8] },
  ] as const;
  expect(() => read({ inputs_embeds: ["float32", 1, "s", 8] }, {}, embedding)).toThrow(
    expect.objectContaining({ code: "session/unknown-input", message: expect.stringContaining("image_features") }),
  );
  expect(() => read({ "\u001b[2J": ["float32", 1] })).toThrow(expect.objectContaining({ message: expect.stringContaining("\\u001b") }));
});

test.each<[string, Tensors, Tensors, string]>([
  ["another vocabulary", {}, { logits: ["float32", 1, "s", 99] }, "expected [1, tokens, 100]"],
  ["logits that are no floats", {}, { logits: ["int64", 1, "s", 100] }, "expected float32 or float16"],
  ["logits of the last token only", {}, { logits: ["float32", 1, 100] }, "expected [1, tokens, 100]"],
  ["other heads", { "past_key_values.0.key": ["float32", 1, 3, "p", 4] }, {}, "has 3 heads, config.json says 2"],
  ["another head size", { "past_key_values.0.key": ["float32", 1, 2, "p", 5] }, {}, "config.json says 4 or 8"],
  ["a layer too many", { "past_key_values.7.key": ["float32", 1, 2, "p", 4] }, { "present.7.key": ["float32", 1, 2, "p", 4] }, "layer 7"],
  ["a past without a present", { "past_key_values.1.key": ["float32", 1, 2, "p", 4] }, {}, "no output present.1.key"],
  ["past and present of two types", {}, { "present.0.key": ["float16", 1, 2, "p", 4] }, "float16"],
  ["a past of rank 3", { "past_key_values.0.key": ["float32", "heads", "p", 4] }, {}, "[1, heads, tokens, size]"],
  ["a batch of two", { input_ids: ["int64", 2, "s"] }, {}, "fixed size"],
  ["a fixed length", { attention_mask: ["int64", 1, 512] }, {}, "fixed size"],
  ["positions of three axes", { position_ids: ["int64", 3, 1, "s"] }, {}, "position_ids"],
  ["a mask of floats", { attention_mask: ["float32", 1, "t"] }, {}, "expected int64 or int32"],
])("%s is refused", (_, inputs, outputs, message) => {
  expect(() => read(inputs, outputs)).toThrow(
    expect.objectContaining({ code: "session/wrong-graph", message: expect.stringContaining(message) }),
  );
});

test("a graph without a past, and two graphs of two variants, are refused", () => {
  const graph = {
    inputMetadata: metadata({ input_ids: ["int64", 1, "s"] }),
    outputMetadata: metadata({ logits: ["float32", 1, "s", 100] }),
  };
  expect(() => readPastPresentGraph(graph, null, SHAPE)).toThrow(
    expect.objectContaining({ message: expect.stringContaining("takes no past") }),
  );
  const tables = [{ input_ids: ["int64", 1, "s"] }, { inputs_embeds: ["float16", 1, "s", 8] }] as const;
  expect(() => read({ inputs_embeds: ["float32", 1, "s", 8] }, {}, tables)).toThrow(
    expect.objectContaining({ code: "session/wrong-graph", hint: "take both graphs in one variant" }),
  );
});
