/** The smallest config that has everything: for tests that need a config and no model. */
import type { ModelConfig } from "./model-config.ts";

export const TINY_CONFIG: ModelConfig = {
  family: "granite-moe",
  vocabularySize: 8,
  hiddenSize: 32,
  contextLength: 8,
  normEpsilon: 1e-6,
  layers: [
    {
      heads: { query: 1, keyValue: 1, size: 32 },
      window: null,
      rope: { theta: 10000, pairs: 16 },
      keysFrom: 0,
      valueIsKey: false,
      mlpWidth: 32,
    },
  ],
  scales: { embedding: 1, residual: 1, attention: 1, logits: 1 },
  softcap: null,
  experts: { count: 2, perToken: 1, width: 16 },
  perLayer: null,
  tiedHead: true,
  tokens: { bos: null, stop: [] },
};
