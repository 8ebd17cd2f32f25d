/** What rows depend on besides tokens. In: a manifest and the engine's version. Out: plain strings, equal exactly when rows may be shared. */
import { createHash } from "node:crypto";
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, type Manifest } from "../manifest.ts";

export interface Fingerprint {
  /** SHA-256 of the hashes of the graph and the weights. */
  readonly weights: string;
  /** SHA-256 of the hashes of the tokenizer's files. */
  readonly tokenizer: string;
  /** Name and version of the prompt format; "" where none is used. */
  readonly template: string;
  /** Of the weights, and what chose between their slices. */
  readonly precision: string;
  readonly onnxruntime: string;
}

export function fingerprintOf({ files, weights }: Manifest, template: string, onnxruntime: string, chooser = ""): Fingerprint {
  const words = new Set([TOKENIZER_FILE, TOKENIZER_CONFIG_FILE]);
  return {
    weights: digest(files.filter(({ name }) => !words.has(name))),
    tokenizer: digest(files.filter(({ name }) => words.has(name))),
    template,
    precision: `${weights.precision}, accuracy level ${weights.accuracyLevel}${chooser === "" ? "" : `, ${chooser}`}`,
    onnxruntime,
  };
}

function digest(files: Manifest["files"]): string {
  const lines = files.map(({ name, sha256 }) => `${name} ${sha256.toLowerCase()}\n`).sort();
  return createHash("sha256").update(lines.join("")).digest("hex");
}
