/** The smallest config that has everything: for tests that need a config and no model. */
import type { ModelConfig } from "./model-config.ts";

export const TINY_CONFIG: ModelConfig = {
  family: "granite-moe",
  vocabularySize: 8,
  hiddenSize: 32,
  layers: 1,
  contextLength: 8,
  heads: { query: 1, keyValue: 1, size: 32 },
  normEpsilon: 1e-6,
  rope: { theta: 10000 },
  scales: { embedding: 1, residual: 1, attention: 1, logits: 1 },
  sharedWidth: 32,
  experts: { count: 2, perToken: 1, width: 16 },
  tiedHead: true,
  tokens: { bos: null, stop: [] },
};
