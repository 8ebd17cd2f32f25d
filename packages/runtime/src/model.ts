/**
 * `loadModel`: an exported model as a `ChatModel`. In: a directory that `orrery export` wrote, or nothing for the embedded model. Out:
 * chat, plain continuation, dispose. The only file that joins all folders of the runtime.
 */
import { basename } from "node:path";
import type { ChatEvent, ChatModel, ChatRequest, Sampling } from "@orrery/chat";
import { chat } from "./chat.ts";
import { createConstraintEngine } from "./constraint/engine.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { ContextLengthError, PromptError } from "./errors.ts";
import { openExport } from "./open-export.ts";
import { generate } from "./generate.ts";
import type { Manifest } from "./manifest.ts";
import { GEMMA4_FORMAT } from "./prompt/format.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { createSampler } from "./sampling/sample.ts";
import { SequencePool } from "./sequence/pool.ts";
import { openSession } from "./session/open.ts";
import type { SessionOptions } from "./session/session.ts";
import { TextStream } from "./tokenizer/stream.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";
import { loadTokenizer } from "./tokenizer/load.ts";

export interface LoadOptions extends SessionOptions {
  /** Conversations whose key/value rows are kept; default 4. */
  readonly sequences?: number;
}

export interface GenerateTextOptions {
  /** Default 128. */
  readonly maxTokens?: number;
  readonly sampling?: Sampling;
  readonly signal?: AbortSignal;
}

export interface LoadedModel extends ChatModel {
  readonly manifest: Manifest;
  /**
   * Continues a text, without a chat format or a constraint, until a stop token or `maxTokens`. Yields text as it is generated.
   * @throws ContextLengthError, SessionError; PromptError `prompt/empty`
   */
  generate(text: string, options?: GenerateTextOptions): AsyncGenerator<string>;
  /** Ends the worker and frees the weights. Safe to call twice. */
  dispose(): Promise<void>;
}

/**
 * Loads an exported model.
 * @param directory What `orrery export` wrote. Default: the embedded model, Orrery Mini, from `@orrery/model`.
 * @throws ExportError `export/…` for a directory that is not a whole export; SessionError when the engine refuses it;
 *   TokenizerError `tokenizer/…`
 */
export async function loadModel(directory: string = embeddedModelDirectory(), options: LoadOptions = {}): Promise<LoadedModel> {
  const { sequences = 4, ...sessionOptions } = options;
  const opened = await openExport(directory);
  const { manifest } = opened;
  const [tokenizer, session] = await Promise.all([loadTokenizer(opened.directory), openSession(opened, sessionOptions)]);
  const pool = new SequencePool(session, { capacity: sequences });
  const constraints = createConstraintEngine(tokenizer, GEMMA4_FORMAT);
  const { contextLength } = session;
  const parts = { tokenizer, constraints, pool, memory: new ReplyMemory(), contextLength, longestToken: longestToken(tokenizer) };

  async function* continueText(text: string, { maxTokens = 128, sampling = {}, signal }: GenerateTextOptions = {}): AsyncGenerator<string> {
    const { bos, stop } = manifest.config.tokens;
    const least = Math.ceil(text.length / parts.longestToken);
    if (least >= contextLength) throw new ContextLengthError(least, contextLength);
    const prompt = [...(bos === null ? [] : [bos]), ...tokenizer.encode(text)];
    if (prompt.length === 0) throw new PromptError("prompt/empty", "there is no text to continue", { hint: "give at least one character" });
    if (prompt.length >= contextLength) throw new ContextLengthError(prompt.length, contextLength);
    const sampler = createSampler(sampling, tokenizer.size);
    const { sequence, cached } = pool.acquire(prompt);
    const out = new TextStream(tokenizer);
    try {
      const limits = { maxTokens: Math.min(maxTokens, contextLength - prompt.length), signal };
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
    id: basename(manifest.source.name).replace(/\.(gguf|safetensors)$/, ""),
    contextLength,
    manifest,
    stream: (request: ChatRequest): AsyncIterable<ChatEvent> => chat(parts, request),
    generate: continueText,
    dispose: () => session.dispose(),
  };
}

function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.size; id++) longest = Math.max(longest, tokenizer.bytes(id)?.length ?? 0);
  return longest;
}
