/**
 * `loadModel`: a model as a `ChatModel`. In: a directory that `orrery export` wrote or that holds ONNX graphs of others, a name on the
 * hub, or nothing for the embedded model. Out: chat, plain continuation, dispose. The only file that joins all folders of the runtime.
 */
import { basename } from "node:path";
import type { ChatEvent, ChatModel, ChatRequest, Sampling } from "@orrery/chat";
import { loadCache, saveCache } from "./cache-file.ts";
import { chat } from "./chat.ts";
import { quoted } from "./checkpoint/json.ts";
import { createConstraintEngine, type ConstraintEngine } from "./constraint/engine.ts";
import { refuseLong, refuseUnread } from "./context-room.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { PromptError } from "./errors.ts";
import { generate, tokenLimit } from "./generate.ts";
import { exportHubModel, type HubLoadOptions } from "./hub-model.ts";
import { isHubName } from "./hub/name.ts";
import type { Manifest } from "./manifest.ts";
import { isExport, openModel, type OpenedModel } from "./open-model.ts";
import { repositoryName, unknownVariant } from "./open-onnx-repository.ts";
import { GEMMA4_FORMAT, PROMPT_VERSION } from "./prompt/format.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { createSampler } from "./sampling/sample.ts";
import { SequencePool } from "./sequence/pool.ts";
import { atLeastOne } from "./session/at-least-one.ts";
import { openSession } from "./session/open.ts";
import type { Prepacked, SessionOptions } from "./session/session.ts";
import { TextStream } from "./tokenizer/stream.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";
import { loadTokenizer } from "./tokenizer/load.ts";

/** How a model is loaded: {@link SessionOptions}, how many conversations it remembers, and for one of the hub {@link HubLoadOptions}. */
export interface LoadOptions extends Omit<SessionOptions, "template">, HubLoadOptions {
  /** Conversations whose key/value rows are kept, as far as `cacheMemory` allows; default 4. */
  readonly sequences?: number;
}

/** How a text is continued. */
export interface GenerateTextOptions {
  /** Tokens at most, a whole number of at least 1. Default 128. */
  readonly maxTokens?: number;
  /** Default greedy. */
  readonly sampling?: Sampling;
  /** Stops the continuation with `session/aborted`. */
  readonly signal?: AbortSignal;
}

/** A model that is ready: chat through the port, plain continuation, and its end. Requests may overlap; their steps are computed together. */
export interface LoadedModel extends ChatModel {
  /** What the export says of itself; null where the directory holds ONNX graphs of others. */
  readonly manifest: Manifest | null;
  /** Whether its weights are mapped as packed at an earlier load: see {@link SessionOptions.prepacked}. */
  readonly prepacked: Prepacked;
  /**
   * Continues a text, without a chat format or a constraint, until a stop token or `maxTokens`. Yields text as it is generated.
   * @throws ContextLengthError, SessionError (`session/aborted` included), ChatError `chat/bad-max-tokens`, `chat/bad-sampling`,
   *   PromptError `prompt/empty`; all of them from the iteration
   */
  generate(text: string, options?: GenerateTextOptions): AsyncGenerator<string>;
  /**
   * Writes the conversations that no request is using to a file, which replaces an earlier one when it is whole. Resolves to their number.
   * @throws SessionError `session/cache-file`, `session/disposed`
   */
  saveCache(path: string): Promise<number>;
  /**
   * Takes up the conversations of a file that {@link saveCache} wrote: their next turn computes only what is new. Resolves to their number.
   * @throws SessionError `session/cache-file`, `session/snapshot-damaged`, `session/snapshot-version`, `session/snapshot-mismatch` (it was
   *   written with other weights, another tokenizer, prompt format, precision or onnxruntime); CacheMemoryError
   */
  loadCache(path: string): Promise<number>;
  /** Ends the worker and frees the weights; replies that run end with `session/disposed`. Safe to call twice. */
  dispose(): Promise<void>;
}

/**
 * Loads a model.
 * @param source What `orrery export` wrote; or a directory in the layout of onnx-community, Optimum or onnxruntime-genai (config.json,
 *   tokenizer.json, `onnx/model*.onnx` or `onnx/decoder_model_merged*.onnx` with `onnx/embed_tokens*.onnx`), which is slower: such graphs
 *   hand over the whole past at every step; or `hf:owner/name`, `hf:owner/name@revision`, `hf:owner/name/file.gguf`: then the model is
 *   fetched from the hub and exported, once, into the cache. Default: the embedded model, Orrery Mini, from `@orrery/model`.
 * @throws ExportError `export/…` for a directory that is not a whole export or has not the variant asked for; SessionError when the engine
 *   refuses the model or an option is wrong; TokenizerError `tokenizer/…`; CheckpointError for a config that cannot be read; HubError
 *   `hub/…` for a model of the hub
 */
export async function loadModel(source: string = embeddedModelDirectory(), options: LoadOptions = {}): Promise<LoadedModel> {
  const { sequences = 4, precision, hub, signal, onProgress, ...sessionOptions } = options;
  atLeastOne("sequences", sequences);
  const given = { ...(precision && { precision }), ...(hub && { hub }), ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const onHub = isHubName(source);
  if (onHub && options.variant !== undefined)
    throw unknownVariant(`${source} is exported, so there is no variant ${quoted(options.variant)}`);
  const fetched = onHub ? await exportHubModel(source, given) : null;
  const opened = await openModel(fetched?.directory ?? source, options.variant);
  const { manifest, name, tokens } = identity(opened);
  const [words, engine] = await Promise.allSettled([
    loadWords(opened.directory),
    openSession(opened, { ...sessionOptions, template: PROMPT_VERSION }),
  ]);
  if (engine.status === "rejected") throw engine.reason;
  const session = engine.value;
  if (words.status === "rejected") {
    await session.dispose();
    throw words.reason;
  }
  const { tokenizer } = words.value;
  const pool = new SequencePool(session, { capacity: sequences });
  const { contextLength, vocabularySize } = session;
  const parts = { ...words.value, pool, memory: new ReplyMemory(), contextLength, vocabularySize };
  const remembered = { session, pool, memory: parts.memory };

  async function* continueText(text: string, { maxTokens = 128, sampling = {}, signal }: GenerateTextOptions = {}): AsyncGenerator<string> {
    const { bos, stop } = tokens;
    refuseUnread(text.length, parts);
    const prompt = [...(bos === null ? [] : [bos]), ...tokenizer.encode(text)];
    if (prompt.length === 0) throw new PromptError("prompt/empty", "there is no text to continue", { hint: "give at least one character" });
    refuseLong(prompt.length, parts);
    const sampler = createSampler(sampling, vocabularySize);
    const limits = { maxTokens: tokenLimit(maxTokens, contextLength - prompt.length), signal };
    const { sequence, cached } = pool.acquire(prompt);
    const out = new TextStream(tokenizer);
    try {
      for await (const { id } of generate({ sequence, prompt: prompt.slice(cached), steering: { stop: new Set(stop) }, sampler, limits })) {
        const delta = tokenizer.bytes(id) ? out.push(id) : "";
        if (delta) yield delta;
      }
      const rest = out.end();
      if (rest) yield rest;
    } finally {
      pool.release(sequence);
    }
  }

  return {
    id: fetched?.repository ?? name,
    contextLength,
    manifest,
    prepacked: session.prepacked,
    stream: (request: ChatRequest): AsyncIterable<ChatEvent> => chat(parts, request),
    generate: continueText,
    saveCache: (path) => saveCache(path, remembered),
    loadCache: (path) => loadCache(path, remembered),
    dispose: () => session.dispose(),
  };
}

/** What it is called, and the tokens it starts and stops with. */
function identity(opened: OpenedModel) {
  if (!isExport(opened)) return { manifest: null, name: repositoryName(opened), tokens: opened.config.tokens };
  const { manifest } = opened;
  return { manifest, name: basename(manifest.source.name).replace(/\.(gguf|safetensors)$/, ""), tokens: manifest.config.tokens };
}

interface Words {
  readonly tokenizer: Tokenizer;
  readonly constraints: ConstraintEngine;
  readonly longestToken: number;
}

/** All that is made of the tokenizer's files. */
async function loadWords(directory: string): Promise<Words> {
  const tokenizer = await loadTokenizer(directory);
  return { tokenizer, constraints: createConstraintEngine(tokenizer, GEMMA4_FORMAT), longestToken: longestToken(tokenizer) };
}

function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.size; id++) longest = Math.max(longest, tokenizer.bytes(id)?.length ?? 0);
  return longest;
}
