/** What a family of models is: the weights it needs and the graph it makes of them. A family is a file of differences. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph } from "../graph/graph.ts";
import type { WeightSpec, WeightTable } from "../weights/weight.ts";

/**
 * How the experts of a mixture are computed. `conditional`: one `If` per expert, only chosen experts run. `merged`: all experts in one
 * wide MLP whose hidden units are multiplied by the router's weights (0 for experts not chosen). `none`: no experts.
 */
export type ExpertMode = "conditional" | "merged" | "none";

/** How a graph is built where a family leaves a choice. */
export interface BuildOptions {
  readonly experts: ExpertMode;
  /** MatMulNBits accuracy_level: 0 exact float32 activations (reference), 4 int8 activations (fast). */
  readonly accuracyLevel: 0 | 4;
}

/** Heads and head size of one layer's key and value rows. */
export interface CacheLayer {
  readonly heads: number;
  readonly size: number;
}

/** A kind of model: which weights it has and how its decoder is built. */
export interface Family {
  readonly name: string;
  /** The weights the graph asks for. They depend on `experts`, because merged experts are laid out side by side. */
  weights(config: ModelConfig, options: BuildOptions): readonly WeightSpec[];
  /** Per layer, the shape of its cache rows: K is [tokens, heads, size], and so is V. */
  cache(config: ModelConfig): readonly CacheLayer[];
  /** See docs/architecture.md for the graph's inputs and outputs. */
  build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph;
}
