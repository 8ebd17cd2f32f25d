/**
 * `@orrery/runtime/testing`: a model without weights. In: a tokenizer and a function that makes up logits. Out: a ChatModel that is the
 * real one in all but its network: prompt, grammar, mask, sampler and reply parser are those of every model.
 */
import type { ChatModel } from "@orrery/chat";
import { chat, type ChatParts } from "./chat.ts";
import { createConstraintEngine } from "./constraint/engine.ts";
import { trieOf } from "./constraint/trie.ts";
import { embeddedModelDirectory } from "./embedded.ts";
import { chooseFormat } from "./prompt/choose-format.ts";
import { ReplyMemory } from "./prompt/memory.ts";
import { SequencePool } from "./sequence/pool.ts";
import type { AppendOptions, Sequence, Session } from "./session/session.ts";
import { loadChatTemplate, loadTokenizer } from "./tokenizer/load.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

/** float32 [vocabulary] from all tokens so far, prompt and reply. */
export type MadeUpLogits = (tokens: readonly number[], vocabularySize: number) => Float32Array;

export interface LogitModelOptions {
  /** A folder with tokenizer files. Default: those of Orrery Mini. */
  readonly directory?: string;
  /** Default 8,192. */
  readonly contextLength?: number;
}

/**
 * A ChatModel whose logits are made up.
 * @example `await logitModel(randomLogits(1))`: whatever the grammar allows comes out sooner or later, and nothing else
 * @throws TokenizerError
 */
export async function logitModel(
  logits: (tokenizer: Tokenizer) => MadeUpLogits,
  { directory = embeddedModelDirectory(), contextLength = 8_192 }: LogitModelOptions = {},
): Promise<ChatModel> {
  const { tokenizer, promptFormat, constraints, longestToken } = await wordsOf(directory);
  const session = madeUpSession(logits(tokenizer), tokenizer.size, contextLength);
  const parts: ChatParts = {
    tokenizer,
    promptFormat,
    constraints,
    longestToken,
    pool: new SequencePool(session),
    memory: new ReplyMemory(),
    contextLength,
    vocabularySize: tokenizer.size,
  };
  return { id: "logits", contextLength, stream: (request) => chat(parts, request) };
}

type Words = Pick<ChatParts, "tokenizer" | "promptFormat" | "constraints" | "longestToken">;

/** By folder; for the life of the process, since tests make many models. */
const kept = new Map<string, Promise<Words>>();

function wordsOf(directory: string): Promise<Words> {
  const known = kept.get(directory) ?? readWords(directory);
  kept.set(directory, known);
  return known;
}

async function readWords(directory: string): Promise<Words> {
  const [tokenizer, template] = await Promise.all([loadTokenizer(directory), loadChatTemplate(directory)]);
  const promptFormat = chooseFormat({ control: tokenizer.control, template });
  const constraints = createConstraintEngine(tokenizer, promptFormat.format);
  return { tokenizer, promptFormat, constraints, longestToken: Math.max(1, trieOf(tokenizer).longestOfAll) };
}

/** Uniformly random logits, 0 … 20: the same seed gives the same replies. Each token is then about as likely as any other. */
export function randomLogits(seed: number): () => MadeUpLogits {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes
    return state / 2 ** 32;
  };
  return () => (_tokens, size) => {
    const row = new Float32Array(size);
    for (let id = 0; id < size; id++) row[id] = 20 * random();
    return row;
  };
}

function madeUpSession(logits: MadeUpLogits, vocabularySize: number, contextLength: number): Session {
  const sequence = (tokens: number[]): Sequence => ({
    tokens,
    reach: 0,
    get length() {
      return tokens.length;
    },
    append: async (more: readonly number[], { candidates, signal }: AppendOptions = {}) => {
      signal?.throwIfAborted();
      tokens.push(...more);
      await new Promise((resolve) => setImmediate(resolve)); // a step takes a turn of the event loop, as a real one does
      const row = logits(tokens, vocabularySize);
      return candidates ? Float32Array.from(candidates, (id) => row[id]!) : row;
    },
    rewind: (length: number) => void tokens.splice(length),
    fork: (length: number) => sequence(tokens.slice(0, length)),
    snapshot: () => Promise.reject(new TypeError("made-up logits have no rows")),
    dispose: () => {},
  });
  return {
    contextLength,
    vocabularySize,
    sparseHead: false,
    prepacked: { mapped: false, reason: null },
    fingerprint: null,
    createSequence: () => sequence([]),
    step: () => Promise.reject(new TypeError("made-up logits are asked for one by one")),
    restore: () => Promise.reject(new TypeError("made-up logits have no rows")),
    whenFull: () => {},
    dispose: () => Promise.resolve(),
  };
}
