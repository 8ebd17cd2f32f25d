/**
 * What is added to logits from where a reply stands. In: the reply's tokens and their places. Out: a bias for the next token. Law: a bias
 * only moves what is legal; without a strength there is none, and the reply is the one that the model alone would give.
 */
import { ChatError, type Sampling } from "@orrery/chat";
import type { Position } from "../constraint/position.ts";
import type { VocabularyTrie } from "../constraint/trie.ts";
import { MAX_LOGIT_SHIFT } from "../manifest.ts";
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import { CopyBias } from "./copy-bias.ts";
import { CopySource } from "./copy-source.ts";

/** What is added to the logits of some tokens, by id. */
export type LogitBias = ReadonlyMap<number, number>;

/** Follows one reply. */
export interface ReplyBias {
  /** For the next token, which stands at `position`. */
  next(position: Position): LogitBias;
  /** The next token was `id`, forced or drawn. */
  push(id: number, position: Position): void;
}

/** How strongly, in nats. */
export type BiasStrengths = Required<Pick<Sampling, "copyBias" | "callOffset">>;

type Given = { readonly [Name in keyof BiasStrengths]?: number | undefined };

/** How calls are recognised in a reply. */
export interface CallMarks {
  /** The tokens with which one begins. */
  readonly opens: ReadonlySet<number>;
  /** The control token that ends a text in it; undefined where that is no token of its own: values are then not followed. */
  readonly quote: number | undefined;
}

/** What a bias needs of the model and of the conversation. */
export interface BiasParts {
  readonly vocabulary: Vocabulary;
  readonly trie: VocabularyTrie;
  readonly marks: CallMarks;
  /** What values may be copied from. Read at the first call, where there is a copy bias. */
  readonly passages: () => readonly string[];
}

/** The strengths that a request asks for, else the model's own, else none. @throws ChatError `chat/bad-sampling` */
export function biasStrengths(asked: Given = {}, own: Given = {}): BiasStrengths {
  const { copyBias = own.copyBias ?? 0, callOffset = own.callOffset ?? 0 } = asked;
  const check = (name: string, value: number, least: number) => {
    if (!(value >= least && value <= MAX_LOGIT_SHIFT))
      throw new ChatError("chat/bad-sampling", `${name} must be ${least} … ${MAX_LOGIT_SHIFT}, found ${value}`, {
        hint: "leave it out to take the model's own, 0 switches it off",
      });
  };
  check("copyBias", copyBias, 0);
  check("callOffset", callOffset, -MAX_LOGIT_SHIFT);
  return { copyBias, callOffset };
}

/** Undefined where nothing is to be added. */
export function createReplyBias({ copyBias, callOffset }: BiasStrengths, parts: BiasParts): ReplyBias | undefined {
  const { vocabulary, trie, marks } = parts;
  const { opens, quote } = marks;
  if ((copyBias === 0 || quote === undefined) && callOffset === 0) return undefined;
  let copy: CopyBias | undefined;
  /** Whether a call has been opened: before, a call and an answer may begin. */
  let calling = false;
  return {
    next(position) {
      const bias = new Map<number, number>();
      if (!calling && position === "move" && callOffset !== 0) for (const id of opens) bias.set(id, callOffset);
      for (const id of copy?.next(position) ?? []) bias.set(id, copyBias);
      return bias;
    },
    push(id, position) {
      if (opens.has(id)) calling = true;
      if (calling && copyBias !== 0 && quote !== undefined)
        copy ??= new CopyBias(new CopySource(parts.passages()), vocabulary, trie, quote);
      copy?.push(id, position);
    },
  };
}
