/** What a family of models is: the weights it needs and the graph it makes of them. A family is a file of differences. */
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { GraphError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { CacheFormat } from "../manifest.ts";
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
  /** Experts of a token are added until their weights reach this, 0 … 1; default 1, all of them. */
  readonly expertMass?: number;
  /** How the graph takes past rows; default `float32`. */
  readonly cache?: CacheFormat;
  /** Whether the graph has the input `candidates`, where the head's rows can be read one by one; default false. */
  readonly sparseHead?: boolean;
}

/** How the experts of a model that has them are computed. @throws GraphError `graph/expert-mode` for `none` */
export function mixtureMode(family: string, { experts }: BuildOptions): Exclude<ExpertMode, "none"> {
  if (experts !== "none") return experts;
  throw new GraphError("graph/expert-mode", `this ${family} has experts: found mode none, expected conditional or merged`, {
    hint: "build it with `conditional` or `merged`",
  });
}

/** A kind of model: which weights it has and how its decoder is built. */
export interface Family {
  readonly name: string;
  /** The weights the graph asks for. They depend on `experts`, because merged experts are laid out side by side. */
  weights(config: ModelConfig, options: BuildOptions): readonly WeightSpec[];
  /** See docs/architecture.md for the graph's inputs and outputs. @throws GraphError `graph/expert-mode` */
  build(config: ModelConfig, weights: WeightTable, options: BuildOptions): Graph;
}
