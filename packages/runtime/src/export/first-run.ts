/** Inputs of a decoder's run at the start of a sequence, when there is no past but a row of padding: docs/architecture.md lists them. */
import type { CacheLayer } from "../checkpoint/model-config.ts";
import { NOWHERE } from "../manifest.ts";
import type { TimedTensor } from "../session/time-graph.ts";

/** Logits are wanted of the last token. */
export function firstRun(tokens: readonly number[], cache: readonly CacheLayer[]): Readonly<Record<string, TimedTensor>> {
  const integers = (numbers: readonly number[]): TimedTensor => ({
    type: "int64",
    dims: [numbers.length],
    data: BigInt64Array.from(numbers, BigInt),
  });
  const spans = new Set(cache.map(({ window }) => `past_positions.${window ?? "all"}`));
  const past = cache.flatMap(({ layer, heads, size }) =>
    ["key", "value"].map((side): [string, TimedTensor] => [
      `past.${layer}.${side}`,
      { type: "float32", dims: [1, heads, 1, size], data: new Float32Array(heads * size) },
    ]),
  );
  return {
    input_ids: integers(tokens),
    positions: integers(tokens.map((_, position) => position)),
    logit_rows: integers([tokens.length - 1]),
    ...Object.fromEntries([...spans].map((span) => [span, integers([NOWHERE])])),
    ...Object.fromEntries(past),
  };
}
