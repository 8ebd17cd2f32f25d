/**
 * `loadModel`: a model as a `ChatModel`. In: a directory that `orrery export` wrote or that holds ONNX graphs of others, a name on the
 * hub, or nothing for the embedded model. Out: chat, plain continuation, dispose. The only file that joins all folders of the runtime.
 */
import { basename } from "node:path";
import type { ChatEvent, ChatModel, ChatRequest, Sampling } from "@orrery/chat";
import { loadCache, saveCache, type Remembered } from "./cache-file.ts";
import { chat, governorOf, type ChatParts } from "./chat.ts";
import { quoted } from "./checkpoint/json.ts";
import { createConstraintEngine, type ConstraintEngine } from "./constraint/engine.ts";
import type { ConstraintFeatures } from "./constraint/features.ts";
import { refuseLong, refuseUnread } from "./context-room.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { PrecisionError, PromptError } from "./errors.ts";
import { generate, tokenLimit } from "./generate.ts";
import { exportHubModel, type HubLoadOptions } from "./hub-model.ts";
import { isHubName } from "./hub/name.ts";
import { chooses, type Manifest } from "./manifest.ts";
import { keptTrie } from "./kept-trie.ts";
import { isExport, openModel, type OpenedModel } from "./open-model.ts";
import { repositoryName, unknownVariant } from "./open-onnx-repository.ts";
import { DEFAULT_POLICY } from "./precision/default.ts";
import { parsePolicy, policyName, type PrecisionPolicy } from "./precision/policy.ts";
import { chooseFormat } from "./prompt/choose-format.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import type { PromptFormat } from "./prompt/prompt-format.ts";
import { createSampler } from "./sampling/sample.ts";
import { SequencePool } from "./sequence/pool.ts";
import { atLeastOne } from "./session/at-least-one.ts";
import { openSession } from "./session/open.ts";
import type { Prepacked, SessionOptions } from "./session/session.ts";
import { TextStream } from "./tokenizer/stream.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";
import { loadChatTemplate, openTokenizer } from "./tokenizer/load.ts";
import { trace, type Trace } from "./trace.ts";

/** How a model is loaded: {@link SessionOptions}, how many conversations it remembers, and for one of the hub {@link HubLoadOptions}. */
export interface LoadOptions extends Omit<SessionOptions, "template" | "chooser">, HubLoadOptions {
  /** Conversations whose key/value rows are kept, as far as `cacheMemory` allows; default 4. */
  readonly sequences?: number;
  /** Which steps use all of `sliced` or `paired` weights; default {@link DEFAULT_POLICY}. Other weights leave no choice. */
  readonly policy?: PrecisionPolicy;
  /** What makes constrained replies fast, to be switched off one by one; default: all on. None of them changes a token. */
  readonly features?: Partial<ConstraintFeatures>;
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

/** What a model can say: chat through the port, plain continuation. Requests may overlap; their steps are computed together. */
export interface Speaker extends ChatModel {
  /**
   * Continues a text, without a chat format or a constraint, until a stop token or `maxTokens`. Yields text as it is generated.
   * @throws ContextLengthError, SessionError (`session/aborted` included), ChatError `chat/bad-max-tokens`, `chat/bad-sampling`,
   *   PromptError `prompt/empty`; all of them from the iteration
   */
  generate(text: string, options?: GenerateTextOptions): AsyncGenerator<string>;
  /**
   * A reply with what every step of it gave: for measuring. With `ids`, these are the sampled tokens, whatever the logits say, and the
   * trace ends with them. @throws OrreryError as {@link ChatModel.stream} and as its steps
   */
  trace(request: ChatRequest, ids?: readonly number[]): Promise<Trace>;
}

/** A model that is ready, and its end. */
export interface LoadedModel extends Speaker {
  /** What the export says of itself; null where the directory holds ONNX graphs of others. */
  readonly manifest: Manifest | null;
  /** Whether its weights are mapped as packed at an earlier load: see {@link SessionOptions.prepacked}. */
  readonly prepacked: Prepacked;
  /**
   * The same model without a mask: its replies may be malformed, or moves that are not legal. For measuring what the mask does, and for
   * trying callers that must bear it.
   */
  unconstrained(): ChatModel;
  /**
   * The same weights under another policy, with conversations of its own; it ends with this model.
   * @throws PrecisionError `precision/no-choice`, `precision/bad-policy`
   */
  withPolicy(policy: PrecisionPolicy): Speaker;
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
  const { sequences = 4, policy, features, precision, hub, signal, onProgress, ...sessionOptions } = options;
  atLeastOne("sequences", sequences);
  const given = { ...(precision && { precision }), ...(hub && { hub }), ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const onHub = isHubName(source);
  if (onHub && options.variant !== undefined)
    throw unknownVariant(`${source} is exported, so there is no variant ${quoted(options.variant)}`);
  const fetched = onHub ? await exportHubModel(source, given) : null;
  const opened = await openModel(fetched?.directory ?? source, options.variant);
  const { manifest, name, tokens } = identity(opened);
  const chosen = policyFor(manifest, policy);
  const speech = loadWords(opened, features);
  const template = speech.then(({ promptFormat }) => promptFormat.version).catch(() => ""); // the failure is reported below
  const [words, engine] = await Promise.allSettled([
    speech,
    openSession(opened, { ...sessionOptions, template, chooser: chosen === null ? "" : policyName(chosen) }),
  ]);
  if (engine.status === "rejected") throw engine.reason;
  const session = engine.value;
  if (words.status === "rejected") {
    await session.dispose();
    throw words.reason;
  }
  const id = fetched?.repository ?? name;
  const remember = (): Remembered => ({ session, pool: new SequencePool(session, { capacity: sequences }), memory: new ReplyMemory() });
  const remembered = remember();
  const speaking = { id, tokens, sampling: manifest?.sampling };
  return {
    ...speaker(remembered, words.value, { ...speaking, policy: chosen }),
    manifest,
    prepacked: session.prepacked,
    unconstrained: () =>
      speaker(remember(), { ...words.value, stop: stopTokens(words.value, tokens.stop) }, { ...speaking, policy: chosen }),
    withPolicy: (other) => speaker(remember(), words.value, { ...speaking, policy: policyFor(manifest, other) }),
    saveCache: (path) => saveCache(path, remembered),
    loadCache: (path) => loadCache(path, remembered),
    dispose: () => session.dispose(),
  };
}

interface Speaking {
  readonly id: string;
  readonly tokens: ReturnType<typeof identity>["tokens"];
  readonly policy: PrecisionPolicy | null;
  readonly sampling: Manifest["sampling"];
}

/** A model's replies under one policy, which is also what the rows of its conversations were computed under. */
function speaker(
  { session, pool, memory }: Remembered,
  words: Words & Pick<ChatParts, "stop">,
  { id, tokens, policy, sampling: own }: Speaking,
): Speaker {
  const { tokenizer } = words;
  const { contextLength, vocabularySize, sparseHead } = session;
  const parts = { ...words, pool, memory, contextLength, vocabularySize, sparseHead, policy, sampling: own };

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
    const steering = { stop: new Set(stop), thought: thoughtMarks(words) };
    const governor = governorOf(parts);
    try {
      for await (const token of generate({ sequence, prompt: prompt.slice(cached), steering, sampler, governor, limits })) {
        const delta = tokenizer.bytes(token.id) ? out.push(token.id) : "";
        if (delta) yield delta;
      }
      const rest = out.end();
      if (rest) yield rest;
    } finally {
      pool.release(sequence);
    }
  }

  return {
    id,
    contextLength,
    stream: (request: ChatRequest): AsyncIterable<ChatEvent> => chat(parts, request),
    trace: (request, ids) => trace(parts, request, ids),
    generate: continueText,
  };
}

/** What it is called, and the tokens it starts and stops with. */
function identity(opened: OpenedModel) {
  if (!isExport(opened)) return { manifest: null, name: repositoryName(opened), tokens: opened.config.tokens };
  const { manifest } = opened;
  return { manifest, name: basename(manifest.source.name).replace(/\.(gguf|safetensors)$/, ""), tokens: manifest.config.tokens };
}

/** Null: the weights leave no choice. @throws PrecisionError `precision/no-choice` for a policy that would do nothing */
function policyFor(manifest: Manifest | null, policy: PrecisionPolicy | undefined): PrecisionPolicy | null {
  const precision = manifest?.weights.precision ?? "those of an ONNX graph";
  if (manifest !== null && chooses(manifest.weights.precision)) return policy === undefined ? DEFAULT_POLICY : parsePolicy(policy);
  if (policy === undefined) return null;
  throw new PrecisionError("precision/no-choice", `the weights are ${precision}, so a step has no precision to choose`, {
    hint: "export the model with sliced or paired weights, or leave the policy out",
  });
}

function thoughtMarks({ tokenizer, promptFormat }: Words): { open: number; close: number } | undefined {
  const { channelOpen, channelClose } = promptFormat.format;
  const [open, close] = [channelOpen, channelClose].map((text) => tokenizer.control.get(text));
  return open === undefined || close === undefined ? undefined : { open, close };
}

/** What ends a reply that no grammar ends: an answer, and calls. */
function stopTokens({ tokenizer, promptFormat: { format } }: Words, stop: readonly number[]): ReadonlySet<number> {
  const names = [format.turnClose, ...(format.calls === "native" ? [format.responseOpen] : [])];
  return new Set([...stop, ...names.flatMap((name) => tokenizer.control.get(name) ?? [])]);
}

interface Words {
  readonly tokenizer: Tokenizer;
  readonly promptFormat: PromptFormat;
  readonly constraints: ConstraintEngine;
  readonly longestToken: number;
}

/** All that is made of the tokenizer's files. */
async function loadWords(opened: OpenedModel, features: Partial<ConstraintFeatures> = {}): Promise<Words> {
  const [{ tokenizer, hash }, template] = await Promise.all([openTokenizer(opened.directory), loadChatTemplate(opened.directory)]);
  const trie = await keptTrie(tokenizer, hash);
  const promptFormat = chooseFormat({ control: tokenizer.control, template, largeGemma4: largeGemma4(opened) });
  const constraints = createConstraintEngine(tokenizer, promptFormat.format, { features, trie });
  return { tokenizer, promptFormat, constraints, longestToken: Math.max(1, trie.longestOfAll) };
}

/** Of Gemma 4's models, E2B and E4B alone have embeddings per layer. Undefined where the weights do not say. */
function largeGemma4(opened: OpenedModel): boolean | undefined {
  if (!isExport(opened)) return undefined;
  const { family, perLayer } = opened.manifest.config;
  return family === "gemma4" && perLayer === null;
}
