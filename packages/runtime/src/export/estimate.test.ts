/** Memory and parameters of a Gemma 4 with windows, keys read from another layer and embeddings of the layers' own, by its config alone. */
import type { LayerConfig, ModelConfig } from "../checkpoint/model-config.ts";
import { familyOf } from "../families/registry.ts";
import type { Graph } from "../graph/graph.ts";
import type { Precision } from "../manifest.ts";
import { planQuantized } from "../weights/storage.ts";
import { estimateMemory, idleNumbers } from "./estimate.ts";
import { planDataFiles, weightTable, type DataFile } from "./plan.ts";

const [VOCABULARY, HIDDEN, WIDTH, CONTEXT, WINDOW] = [1000, 64, 128, 4096, 16];

function layer(index: number, window: number | null, keysFrom: number): LayerConfig {
  const heads = { query: 2, keyValue: 1, size: window === null ? 64 : 32 };
  return { heads, window, rope: { theta: 1e4, pairs: heads.size / 2 }, keysFrom, valueIsKey: false, mlpWidth: 2 * HIDDEN };
}

const CONFIG: ModelConfig = {
  family: "gemma4",
  vocabularySize: VOCABULARY,
  hiddenSize: HIDDEN,
  contextLength: CONTEXT,
  normEpsilon: 1e-6,
  layers: [layer(0, WINDOW, 0), layer(1, null, 1), layer(2, WINDOW, 0)],
  scales: { embedding: 8, residual: 1, attention: 1, logits: 1 },
  softcap: 30,
  experts: null,
  perLayer: { width: WIDTH },
  tiedHead: true,
  tokens: { bos: 2, stop: [1] },
};

function planned(precision: Precision): [ModelConfig, readonly DataFile[], Graph, boolean] {
  const build = { experts: "none", accuracyLevel: 4 } as const;
  const family = familyOf(CONFIG.family);
  const files = planDataFiles(family.weights(CONFIG, build).map((spec) => ({ spec, storage: planQuantized(spec, precision) })));
  return [CONFIG, files, family.build(CONFIG, weightTable(files), build), true];
}

test("layers that read another's keys cost no rows, and windows no more rows than they hold", () => {
  const { cachePerToken, cacheFullContext } = estimateMemory(...planned("float32"));
  const [narrow, wide] = [2 * 32 * 4, 2 * 64 * 4]; // K and V, size, bytes
  expect(cachePerToken).toBe(narrow + wide);
  expect(cacheFullContext).toBe(narrow * WINDOW + wide * CONTEXT);
});

test("of an int8 cache, rows without a window have 8 bits and a scale for each head once they are old", () => {
  const { cachePerToken, cacheFullContext } = estimateMemory(...planned("float32"), "int8");
  const [narrow, wide, old] = [2 * 32 * 4, 2 * 64 * 4, 2 * (64 + 4)];
  expect(cachePerToken).toBe(narrow + wide);
  expect(cacheFullContext).toBe(narrow * WINDOW + wide * 256 + old * (CONTEXT - 256));
});

test.each([
  ["float32", 4, 4],
  ["int8", 1 + 8 / 64, 1 + 8 / 64],
  ["int4", 1 + 8 / 64, 0.5 + 8 / 128],
] as const)("%s: tables that are only read by row stay in the file, a tied head is packed too", (precision, tied, perLayer) => {
  const [config, files, graph] = planned(precision);
  const { weights, tables, loaded, engine, tokenizer } = estimateMemory(config, files, graph, true);
  const numbers = new Map(
    files.flatMap(({ weights: all }) => all.map(({ spec: { name, shape } }) => [name, shape[0] * shape[1]] as const)),
  );
  const [embedding, table] = [numbers.get("embedding")!, numbers.get("per_layer.embedding")!];
  expect([embedding, table]).toEqual([VOCABULARY * HIDDEN, VOCABULARY * 3 * WIDTH]);
  expect(weights).toBeGreaterThanOrEqual(embedding * tied);
  expect(weights).toBeLessThan(embedding * tied + table * perLayer); // what else there is, is less than the table
  expect(tables).toBeGreaterThan(0.9 * (embedding * tied + table * perLayer) * (precision === "float32" ? 1 : 0.9));
  expect(loaded - engine - tokenizer - weights).toBeLessThan(embedding * 4 + 1);
});

test("a token passes one row of a table that is only read by row, and all of a tied head", () => {
  expect(idleNumbers(CONFIG)).toBe((VOCABULARY - 1) * 3 * WIDTH);
});

test("experts in branches: their weights are mapped beside the packed copy, and every branch costs something", () => {
  const experts = { count: 4, perToken: 2, width: 64 };
  const layers = [layer(0, WINDOW, 0), layer(1, null, 1)];
  const config = { ...CONFIG, layers, perLayer: null, tiedHead: false, experts };
  const family = familyOf(config.family);
  const [merged, conditional] = (["merged", "conditional"] as const).map((mode) => {
    const build = { experts: mode, accuracyLevel: 0 } as const;
    const files = planDataFiles(family.weights(config, build).map((spec) => ({ spec, storage: planQuantized(spec, "float32") })));
    return estimateMemory(config, files, family.build(config, weightTable(files), build), false);
  });
  expect(conditional!.weights).toBe(merged!.weights);
  expect([merged!.mapped, conditional!.mapped]).toEqual([0, 2 * experts.count * 3 * experts.width * HIDDEN * 4]); // layers, experts, matrices
  expect(conditional!.engine - merged!.engine).toBeCloseTo(2 * experts.count * 103e3, 3);
});
