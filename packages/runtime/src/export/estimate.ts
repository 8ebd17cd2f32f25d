/**
 * What a model takes of memory when it is loaded. In: how its weights are stored and what its graph does with them. Out: bytes, within
 * 10 % of what is measured (bench/load-memory.mjs). Law: nothing but sizes is looked at.
 */
import { familyNamed } from "../checkpoint/config.ts";
import { cacheLayers, type ModelConfig } from "../checkpoint/model-config.ts";
import type { Graph } from "../graph/graph.ts";
import type { CacheFormat } from "../manifest.ts";
import { RECENT } from "../session/old-rows.ts";
import { slicesOf, type Slice } from "../weights/storage.ts";
import type { FileRange } from "../weights/weight.ts";
import type { DataFile } from "./plan.ts";

/** Bytes of memory. */
export interface MemoryEstimate {
  /** Weights as ONNX Runtime packs them. */
  readonly weights: number;
  /** Tables that are read by row. They stay in the mapped file, and the system may drop what is not in use. */
  readonly tables: number;
  /** Pages of the files that stay resident beside packed copies: of a table that is the head too, and of weights in branches. */
  readonly mapped: number;
  /** Engine, thread and code; the tokenizer with what masks need of its vocabulary. */
  readonly engine: number;
  readonly tokenizer: number;
  /** All that is resident once the model is loaded: `weights`, `mapped`, `engine` and `tokenizer`. */
  readonly loaded: number;
  /** Key and value rows of a new token, before any window is full. */
  readonly cachePerToken: number;
  /** Those of a full context: layers with a window keep no more rows than it has; of an int8 cache, old rows have 8 bits. */
  readonly cacheFullContext: number;
  /** `loaded` and the rows of one full context. */
  readonly fullContext: number;
}

/** Measured with ONNX Runtime 1.30 on Linux: 43 MB of anonymous memory and 12 MB of mapped code, for models of 110 to 650 MB alike. */
const ENGINE_BYTES = 55e6;

/** Of every branch with weights of its own: an expert of a layer. Measured on 240 of them: 24.6 MB. */
const BRANCH_BYTES = 103e3;

/** Per entry of the vocabulary: tokenizer, its bytes and the trie of the masks. Measured on 49,152 entries: 61 MB. */
const VOCABULARY_ENTRY_BYTES = 1250;

const FLOAT32_BYTES = 4;

/** What a graph does with a weight. */
interface Use {
  readonly multiplied: boolean;
  readonly gathered: boolean;
  /** The weight belongs to a branch. ONNX Runtime packs it like the others, but keeps the file mapped. */
  readonly inBranch: boolean;
}

/** `cache`: how key and value rows are kept; default `float32`. */
export function estimateMemory(
  config: ModelConfig,
  dataFiles: readonly DataFile[],
  graph: Graph,
  tokenizer: boolean,
  cache: CacheFormat = "float32",
): MemoryEstimate {
  const { useOf, branches } = usesOf(graph);
  let [weights, tables, mapped] = [0, 0, 0];
  for (const { storage, stored } of dataFiles.flatMap((file) => file.weights.flatMap(slicesOf))) {
    const { multiplied, gathered, inBranch } = useOf(stored);
    if (multiplied) weights += packedBytes(storage, stored);
    if (gathered) tables += storedBytes(stored);
    if (multiplied && (gathered || inBranch)) mapped += storedBytes(stored);
  }
  const engine = ENGINE_BYTES + branches * BRANCH_BYTES;
  const vocabulary = tokenizer ? config.vocabularySize * VOCABULARY_ENTRY_BYTES : 0;
  const loaded = weights + mapped + engine + vocabulary;
  const cacheFullContext = cacheBytes(config, config.contextLength, cache);
  return {
    weights,
    tables,
    mapped,
    engine,
    tokenizer: vocabulary,
    loaded,
    cachePerToken: cacheBytes(config, 1, cache),
    cacheFullContext,
    fullContext: loaded + cacheFullContext,
  };
}

/** Numbers that a token leaves alone: experts not chosen, rows not read of the layers' own embeddings. */
export function idleNumbers(config: ModelConfig): number {
  const tensors = familyNamed(config.family).tensors(config);
  return Math.round(tensors.reduce((sum, { shape, share }) => sum + (1 - share) * shape.reduce((product, size) => product * size, 1), 0));
}

/** Bytes of the key and value rows of so many tokens. */
function cacheBytes(config: ModelConfig, tokens: number, cache: CacheFormat): number {
  return cacheLayers(config).reduce((sum, { heads, size, window }) => {
    const old = cache === "int8" && window === null ? Math.max(0, tokens - RECENT) : 0;
    const recent = Math.min(tokens, window ?? Infinity) - old;
    return sum + 2 * heads * (recent * size * FLOAT32_BYTES + old * (size + FLOAT32_BYTES));
  }, 0);
}

/** Blocks are packed with a scale and a sum of float32 each (ort-node.md, section 4, measured); a float32 matrix is repacked as it is. */
function packedBytes(storage: Slice["storage"], { shape: [rows, columns] }: Slice["stored"]): number {
  if (storage.kind === "float32") return storage.bytes;
  return rows * columns * (storage.bits / 8 + 8 / storage.block);
}

function storedBytes(stored: Slice["stored"]): number {
  if (stored.kind === "float32") return stored.data.length;
  return stored.data.length + stored.scales.length + (stored.zeroPoints?.length ?? 0);
}

/** What a graph and its branches do with the arrays of weights, and how many branches have some. */
function usesOf(outermost: Graph): { readonly useOf: (stored: Slice["stored"]) => Use; readonly branches: number } {
  const unused: Use = { multiplied: false, gathered: false, inBranch: false };
  const uses = new Map<string, Use>();
  /** Values' names are unique among a graph and its branches. */
  const arrays = new Map<string, string>();
  let branches = 0;
  const visit = ({ initializers, nodes, parent }: Graph): void => {
    const inFiles = initializers.flatMap(({ value, data }) => (data instanceof Uint8Array ? [] : [[value.name, arrayKey(data)] as const]));
    for (const [name, array] of inFiles) {
      arrays.set(name, array);
      if (parent !== null) uses.set(array, { ...(uses.get(array) ?? unused), inBranch: true });
    }
    if (parent !== null && inFiles.length > 0) branches++;
    for (const { operator, inputs, attributes } of nodes) {
      const gathers = operator === "Gather" || operator === "com.microsoft.GatherBlockQuantized";
      for (const input of inputs) {
        const array = input === null ? undefined : arrays.get(input.name);
        if (array === undefined) continue;
        const { multiplied, gathered, inBranch } = uses.get(array) ?? unused;
        uses.set(array, { multiplied: multiplied || !gathers, gathered: gathered || gathers, inBranch });
      }
      for (const attribute of Object.values(attributes)) if ("graph" in attribute) visit(attribute.graph);
    }
  };
  visit(outermost);
  return { useOf: ({ data }) => uses.get(arrayKey(data)) ?? unused, branches };
}

function arrayKey({ file, offset }: FileRange): string {
  return `${file}@${offset}`;
}
