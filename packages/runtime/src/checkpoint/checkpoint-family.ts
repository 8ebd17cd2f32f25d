/**
 * What the checkpoint reader must know of a family of models: how its two kinds of config are spelt, and which tensors it has. In: a
 * config.json or GGUF metadata. Out: one ModelConfig, and for it the tensors under their Hugging Face names with where llama.cpp puts
 * them. Law: a new family is a file that implements this and a line in config.ts.
 */
import type { GgufMetadata } from "./gguf.ts";
import type { ModelConfig } from "./model-config.ts";

/** What a family reads itself; the name and the token ids are the same business for all (config.ts, token-ids.ts). */
export type FamilyConfig = Omit<ModelConfig, "family" | "tokens">;

/** Where llama.cpp keeps a tensor. */
export interface GgufSource {
  /**
   * Its tensors' names. Several hold the second-last dimension in equal parts: gate and up, which Hugging Face merges; with a third
   * dimension in front (experts) they do so expert by expert.
   */
  readonly parts: readonly string[];
  /** One tensor that holds all parts, as some converters write it. It goes before them. */
  readonly merged?: string;
  /**
   * Head size, where llama.cpp reordered the rows of each head for its rotation: rows i and i + size/2 (a pair that turns together)
   * lie at 2i and 2i + 1.
   */
  readonly pairs?: number;
}

export interface ModelTensor {
  /** Hugging Face name. */
  readonly name: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  readonly gguf: GgufSource;
  /** Share of its numbers that one token uses: 2 of 8 experts is 0.25. */
  readonly share: number;
  /** Added to every number of a safetensors file: Gemma 3 keeps norm weights less 1 there, while llama.cpp's files hold them whole. */
  readonly offset?: number;
  /** Every number of it where the files lack it; without this, a tensor that is missing is an error. */
  readonly absent?: number;
}

/** A tensor of a GGUF that says what the config says already: held against it, then left alone. */
export interface DerivedTensor {
  readonly name: string;
  readonly length: number;
  /** The number that must stand at `index`. */
  at(index: number): number;
}

export interface CheckpointFamily {
  /** As in ModelConfig.family. */
  readonly name: string;
  /** `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  /** `general.architecture` in GGUF. */
  readonly architectures: readonly string[];
  /** True for models that write poor text without their first token, whatever the tokenizer's config says of it. */
  readonly needsBos: boolean;
  /** @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
  fromConfigJson(json: Record<string, unknown>, file: string): FamilyConfig;
  /** @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
  fromGguf(metadata: GgufMetadata, tensors: { has(name: string): boolean }, file: string): FamilyConfig;
  /** What may stand in the place of `model.` in the names of a safetensors file; the first is usual. */
  readonly prefixes: readonly string[];
  /** Every tensor of such a model; the embedding first. */
  tensors(config: FamilyConfig): readonly ModelTensor[];
  /** True for tensors that files of this family may hold beside them and that mean nothing. All others are refused: a bias that is left out is a wrong answer. */
  ignores(name: string, config: FamilyConfig): boolean;
  /** Tensors that a GGUF may hold and that follow from its metadata. */
  derived(config: FamilyConfig): readonly DerivedTensor[];
}
