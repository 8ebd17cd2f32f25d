import { readFileSync } from "node:fs";
import { CheckpointError } from "../errors.ts";
import { familyOfModelType } from "./config.ts";
import type { FamilyConfig } from "./checkpoint-family.ts";

const good = JSON.parse(readFileSync(new URL("../../fixtures/goldens/granitemoe-shared/config.json", import.meta.url), "utf8")) as Record<
  string,
  unknown
>;

function parse(change: Record<string, unknown>): FamilyConfig {
  const json = { ...good, ...change };
  return familyOfModelType(json["model_type"], "config.json").fromConfigJson(json, "config.json");
}

function errorOf(change: Record<string, unknown>): CheckpointError {
  try {
    parse(change);
  } catch (error) {
    if (error instanceof CheckpointError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("every field ends up in the config", () => {
  expect(parse({})).toEqual({
    vocabularySize: 320,
    hiddenSize: 64,
    contextLength: 1024,
    normEpsilon: 1e-6,
    layers: [0, 1, 2, 3].map((keysFrom) => ({
      heads: { query: 4, keyValue: 2, size: 16 },
      window: null,
      rope: { theta: 10000, pairs: 8 },
      keysFrom,
      valueIsKey: false,
      mlpWidth: 64,
    })),
    scales: { embedding: 6, residual: 0.4, attention: 0.11, logits: 3 },
    softcap: null,
    perLayer: null,
    experts: { count: 8, perToken: 2, width: 32 },
    tiedHead: true,
  });
});

test("the rotation's base is read from rope_parameters, then from rope_theta, then it is 10000", () => {
  expect(parse({ rope_parameters: { rope_type: "default", rope_theta: 5e5 }, rope_theta: 7 }).layers[0]?.rope.theta).toBe(5e5);
  expect(parse({ rope_parameters: undefined, rope_scaling: null, rope_theta: 1e6 }).layers[0]?.rope.theta).toBe(1e6);
  expect(parse({ rope_parameters: null }).layers[0]?.rope.theta).toBe(10_000);
});

test("what transformers leaves to a default has the same default here", () => {
  const absent = {
    num_key_value_heads: null,
    shared_intermediate_size: undefined,
    tie_word_embeddings: undefined,
    rms_norm_eps: undefined,
    attention_multiplier: undefined,
    logits_scaling: undefined,
  };
  expect(parse({ ...absent, model_type: "granitemoe" })).toMatchObject({
    layers: [0, 1, 2, 3].map(() => expect.objectContaining({ heads: expect.objectContaining({ keyValue: 4 }), mlpWidth: 0 })),
    tiedHead: false,
    normEpsilon: 1e-6,
    scales: { attention: 1, logits: 1 },
  });
});

test.each<[change: Record<string, unknown>, code: string, names: string[]]>([
  [{ num_hidden_layers: -4 }, "bad-config", ["num_hidden_layers", "-4"]],
  [{ num_hidden_layers: "4" }, "bad-config", ["num_hidden_layers", '"4"']],
  [{ num_hidden_layers: 4.5 }, "bad-config", ["num_hidden_layers", "4.5"]],
  [{ num_hidden_layers: 2 ** 31 }, "bad-config", ["num_hidden_layers", "2147483648"]],
  [{ num_hidden_layers: undefined }, "bad-config", ["num_hidden_layers"]],
  [{ num_key_value_heads: 3 }, "bad-config", ["num_attention_heads 4", "num_key_value_heads 3"]],
  [{ num_key_value_heads: 0 }, "bad-config", ["num_key_value_heads", "0"]],
  [{ num_attention_heads: 5 }, "bad-config", ["hidden_size 64", "num_attention_heads 5"]],
  [{ head_dim: 15 }, "bad-config", ["head_dim", "15"]],
  [{ num_experts_per_tok: 9 }, "bad-config", ["num_experts_per_tok 9", "num_local_experts 8"]],
  [{ num_local_experts: 0 }, "bad-config", ["num_local_experts", "0"]],
  [{ intermediate_size: null }, "bad-config", ["intermediate_size", "null"]],
  [{ logits_scaling: 0 }, "bad-config", ["logits_scaling", "0"]],
  [{ rms_norm_eps: Infinity }, "bad-config", ["rms_norm_eps"]],
  [{ rope_parameters: { rope_theta: -1 } }, "bad-config", ["rope_parameters.rope_theta", "-1"]],
  [{ rope_parameters: { rope_type: "spiral" } }, "unsupported", ["rope_type", "spiral"]],
  [{ rope_scaling: { type: "linear", factor: 2 } }, "unsupported", ["rope_scaling", "linear"]],
  [{ hidden_act: "sparkle" }, "unsupported", ["hidden_act", "sparkle"]],
  [{ attention_bias: true }, "unsupported", ["attention_bias", "true"]],
  [{ model_type: null }, "bad-config", ["model_type", "null"]],
  [{ model_type: "nonesuch" }, "unsupported", ["model_type", "nonesuch", "granitemoe, granitemoeshared"]],
  [{ model_type: "__proto__" }, "unsupported", ["__proto__"]],
])("%j is refused", (change, code, names) => {
  const error = errorOf(change);
  expect(error.code).toBe(`checkpoint/${code}`);
  for (const word of ["config.json", ...names]) expect(error.message).toContain(word);
});
