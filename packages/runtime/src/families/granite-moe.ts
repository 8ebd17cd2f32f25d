/**
 * Granite MoE, with and without a shared MLP, with a tied or an own head (`GraniteMoeForCausalLM`, `GraniteMoeSharedForCausalLM`).
 * Differences from a Llama: experts beside or instead of the MLP, and four multipliers.
 */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { GraphError } from "../errors.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { add } from "../graph/ops/elementwise.ts";
import { concat, reshape } from "../graph/ops/layout.ts";
import { gather } from "../graph/ops/select.ts";
import { attend, attentionRun, type Past } from "../layers/attention.ts";
import { embedding } from "../layers/embedding.ts";
import { linear } from "../layers/linear.ts";
import { gatedMlp } from "../layers/mlp.ts";
import { conditionalExperts, conditionalRun, mergedExperts, mergedRun, route } from "../layers/moe.ts";
import { vector, type Parameters } from "../layers/parameters.ts";
import { normalize, scaled, type Residual } from "../layers/residual.ts";
import { rotaryTables } from "../layers/rope.ts";
import type { WeightTable } from "../weights/weight.ts";
import type { BuildOptions, CacheLayer, Family } from "./family.ts";
import { graniteMoeWeights } from "./granite-moe-weights.ts";

export const graniteMoe: Family = { name: "granite-moe", weights: graniteMoeWeights, cache, build };

function cache({ layers, heads }: ModelConfig): readonly CacheLayer[] {
  return Array.from({ length: layers }, () => ({ heads: heads.keyValue, size: heads.size }));
}

function build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph {
  const { heads, scales, normEpsilon: epsilon } = config;
  const parameters: Parameters = { weights, accuracyLevel: options.accuracyLevel };
  const graph = new Graph(graniteMoe.name);
  const ids = graph.input("input_ids", "int64", ["S"]);
  const positions = graph.input("positions", "int64", [1, "S"]);
  const logitRows = graph.input("logit_rows", "int64", ["R"]);
  const pasts = cache(config).map((layer, index): Past => {
    const side = (name: string): Value => graph.input(`past.${index}.${name}`, "float32", ["T", layer.heads, 1, layer.size]);
    return { key: side("key"), value: side("value") };
  });

  const groups = heads.query / heads.keyValue;
  // √scale on both sides of q·k is scale; the tables carry it, since FusedMatMul is slower when it must scale.
  const rotary = rotaryTables(graph, {
    ...config.rope,
    size: heads.size,
    positions: config.contextLength,
    gain: Math.sqrt(scales.attention),
  });
  const run = graph.scope("run", () => attentionRun(positions, pasts[0]!, groups + 1));
  const experts = graph.scope("run", () => expertLayer(config, parameters, options, ids));
  const norm = (residual: Residual, name: string): [Value, Value] => normalize(residual, vector(graph, parameters, name), epsilon);

  /** h = x + r·Attn(RMS(x));  y = h + r·MoE(RMS(h)).  Additions wait for the next norm: see Residual. */
  const layer = (residual: Residual, name: string, past: Past): { y: Residual; rows: Value[] } => {
    const [n, x] = norm(residual, `${name}.input_norm`);
    const qkv = reshape(linear(n, parameters, `${name}.attention.qkv`), ["S", heads.keyValue, groups + 2, heads.size]);
    const { mixed, key, value } = attend(qkv, past, rotary, run);
    const a = linear(mixed, parameters, `${name}.attention.out`);
    const [m, h] = norm({ x, added: scaled(a, scales.residual) }, `${name}.post_norm`);
    return { y: { x: h, added: scaled(experts(m, name), scales.residual) }, rows: [key, value] };
  };

  let residual: Residual = {
    x: scaled(reshape(embedding(ids, parameters, "embedding"), [1, "S", config.hiddenSize]), scales.embedding),
    added: null,
  };
  const newRows: Value[] = [];
  pasts.forEach((past, index) => {
    const name = `layers.${index}`;
    const { y, rows } = graph.scope(name, () => layer(residual, name, past));
    residual = y;
    newRows.push(...rows);
  });

  const [last] = norm(residual, "norm");
  const wanted = gather(reshape(last, ["S", config.hiddenSize]), logitRows);
  graph.output("logits", linear(scaled(wanted, 1 / scales.logits), parameters, config.tiedHead ? "embedding" : "head"));
  graph.output("rows", reshape(concat(newRows, 1), ["S", 2 * config.layers * heads.keyValue * heads.size]));
  return graph;
}

/** MoE(x) of one layer: shared(x) + Σ weight·expert(x), in the mode asked for. @throws GraphError `graph/expert-mode` */
function expertLayer(config: ModelConfig, parameters: Parameters, options: BuildOptions, ids: Value): (x: Value, name: string) => Value {
  const { experts, sharedWidth } = config;
  const routed = (x: Value, name: string) => route(x, parameters, `${name}.router`, experts.perToken);
  switch (options.experts) {
    case "merged": {
      const run = mergedRun(ids, experts, sharedWidth);
      return (x, name) => mergedExperts(x, routed(x, name), parameters, `${name}.mlp`, run);
    }
    case "conditional": {
      const run = conditionalRun(ids, experts);
      return (x, name) => {
        const chosen = conditionalExperts(x, routed(x, name), parameters, `${name}.experts`, run);
        return sharedWidth === 0 ? chosen : add(gatedMlp(x, parameters, `${name}.shared`), chosen);
      };
    }
    case "none":
      throw new GraphError("graph/expert-mode", `${graniteMoe.name} has experts: found mode none, expected conditional or merged`, {
        hint: "build it with `conditional` or `merged`",
      });
  }
}
