/**
 * What all decoders are: ids → embedding → layers → norm → head. A family gives the equations of its layer; this file gives the inputs,
 * hands each layer the rows it may read, and writes the outputs. Law: layers at the end that own no keys are computed only for the tokens
 * whose logits are wanted, since nothing else of them is ever read.
 */
import { cacheLayers, type LayerConfig, type ModelConfig } from "../checkpoint/model-config.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { tanh } from "../graph/ops/elementwise.ts";
import { concat, reshape } from "../graph/ops/layout.ts";
import { gather } from "../graph/ops/select.ts";
import { attend } from "../layers/attention.ts";
import { embedding } from "../layers/embedding.ts";
import { rowsReadable, sparseHead } from "../layers/head.ts";
import { linear } from "../layers/linear.ts";
import { vector, type Parameters } from "../layers/parameters.ts";
import { normalize, scaled, type Residual } from "../layers/residual.ts";
import { Run, type Keys, type Rows } from "../layers/run.ts";
import { dimAt } from "../graph/shape.ts";
import type { BuildOptions } from "./family.ts";

/** One layer while it is built. */
export interface DecoderLayer {
  readonly index: number;
  /** Prefix of its weights: `layers.3`. */
  readonly name: string;
  readonly config: LayerConfig;
  readonly rows: Rows;
  readonly run: Run;
  /**
   * Mixes values by q [rows, kvHeads, groups, size], turned. `own`: this run's rows of keys (turned) and values, [S, kvHeads, 1, size]
   * each, of a layer that owns them; null: it reads those of `config.keysFrom`.
   */
  attend(q: Value, own: Keys | null): Value;
}

export interface DecoderParts {
  readonly name: string;
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  readonly options: BuildOptions;
  /** Called once, before the layers; gives the equations of a layer. `x`: embedded tokens [1, S, hidden]. */
  layer(run: Run, x: Value): (x: Residual, layer: DecoderLayer) => Residual;
}

export function buildDecoder({ name, config, parameters, options, layer }: DecoderParts): Graph {
  const { hiddenSize, normEpsilon, scales, softcap, tiedHead } = config;
  const graph = new Graph(name);
  const run = new Run(graph, config, options.cache ?? "float32");
  const keys = new Map<number, readonly Keys[]>();
  const pasts = new Map(cacheLayers(config).map(({ layer }) => [layer, run.past(layer, config.layers[layer]!)]));

  const x = scaled(reshape(embedding(run.ids, parameters, "embedding"), [1, "S", hiddenSize]), scales.embedding);
  const equations = layer(run, x);
  const narrow = firstReader(config);
  let residual: Residual = { x, added: null };
  for (const [index, settings] of config.layers.entries()) {
    const rows: Rows = index < narrow ? "all" : "wanted";
    if (index === narrow) residual = wantedRows(residual, run);
    const attendLayer: DecoderLayer["attend"] = (q, own) => {
      if (own !== null) keys.set(index, [...pasts.get(index)!, own]);
      return attend(q, keys.get(settings.keysFrom)!, run.sight(settings.window, rows));
    };
    const place = `layers.${index}`;
    residual = graph.scope(place, () => equations(residual, { index, name: place, config: settings, rows, run, attend: attendLayer }));
  }
  if (narrow === config.layers.length) residual = wantedRows(residual, run);

  const [last] = normalize(residual, vector(graph, parameters, "norm"), normEpsilon);
  const hidden = reshape(last, ["R", hiddenSize]);
  const [head, toHead] = [tiedHead ? "embedding" : "head", scaled(hidden, 1 / scales.logits)];
  const sparse = options.sparseHead === true && rowsReadable(parameters, head);
  const logits = sparse
    ? sparseHead(toHead, graph.input("candidates", "int64", ["K"]), parameters, head)
    : linear(toHead, parameters, head);
  graph.output("logits", softcap === null ? logits : capped(logits, softcap));
  const newRows = [...keys.values()].flatMap((parts) => [parts.at(-1)!.key, parts.at(-1)!.value].map(flat));
  graph.output("rows", concat(newRows, 1));
  return graph;
}

/** The first of the layers at the end that all read the keys of earlier ones; the number of layers where there is none. */
export function firstReader({ layers }: Pick<ModelConfig, "layers">): number {
  return layers.findLastIndex(({ keysFrom }, index) => keysFrom === index) + 1;
}

/** The residual stream of the tokens whose logits are wanted: [1, R, hidden]. */
function wantedRows({ x, added }: Residual, run: Run): Residual {
  const of = (value: Value): Value => gather(value, run.wanted, 1);
  return { x: of(x), added: added === null ? null : of(added) };
}

/** cap·tanh(x/cap) */
function capped(x: Value, cap: number): Value {
  return scaled(tanh(scaled(x, 1 / cap)), cap);
}

/** [S, heads, 1, size] → [S, heads·size] */
function flat(rows: Value): Value {
  return reshape(rows, [dimAt(rows.shape, 0), Number(dimAt(rows.shape, 1)) * Number(dimAt(rows.shape, 3))]);
}
