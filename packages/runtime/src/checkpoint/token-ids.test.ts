import { tokensFromGguf, tokensFromJson } from "./token-ids.ts";

const file = (json: unknown) => ({ json, file: "config.json" });

test.each([
  [true, 2],
  [false, null],
])("a tokenizer that adds no begin token: a model that needs it (%p) has %p", (needsBos, bos) => {
  const needs = { vocabularySize: 8, needsBos };
  const files = { config: file({ bos_token_id: 2, eos_token_id: 1 }), generation: file({}), tokenizer: file({ add_bos_token: false }) };
  expect(tokensFromJson(files, needs)).toEqual({ bos, stop: [1] });
  const metadata = new Map<string, number | boolean>([
    ["tokenizer.ggml.bos_token_id", 2],
    ["tokenizer.ggml.eos_token_id", 1],
    ["tokenizer.ggml.add_bos_token", false],
  ]);
  expect(tokensFromGguf(metadata, [], needs, "model.gguf")).toEqual({ bos, stop: [1] });
});
