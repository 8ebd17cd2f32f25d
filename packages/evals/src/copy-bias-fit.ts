/**
 * The copy bias that a set of conversations asks for. In: a model and conversations. Out: calls that are exact with each strength, on the
 * conversations as they are and with names nobody has heard of; and the strength to take. Law: a difference of one call is chance.
 */
import type { ChatModel } from "@orrery/chat";
import type { Conversation } from "./conversation.ts";
import { evaluate } from "./eval.ts";
import { renamed } from "./renamed.ts";
import type { Share } from "./wilson.ts";

/** Nats. */
export const STRENGTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
const SEED = 1;

export interface CopyBiasFit {
  /** By strength, in the order of {@link STRENGTHS}. */
  readonly asTheyAre: readonly Share[];
  readonly renamed: readonly Share[];
  /** The middle one of the strengths that are within one call of the best; 0 when that is no better than none. */
  readonly copyBias: number;
}

export async function fitCopyBias(
  model: ChatModel,
  conversations: readonly Conversation[],
  onTurn?: (done: number, total: number) => void,
): Promise<CopyBiasFit> {
  const settings = STRENGTHS.map((copyBias) => ({ copyBias, callOffset: 0 }));
  const options = { settings, onlyCalls: true, ...(onTurn && { onTurn }) };
  const exact = async (set: readonly Conversation[]) => (await evaluate(model, set, options)).map(({ measures }) => measures.exact);
  const asTheyAre = await exact(conversations);
  const others = await exact(renamedOnes(conversations));
  return { asTheyAre, renamed: others, copyBias: strength(asTheyAre.map(({ hits }, i) => hits + others[i]!.hits)) };
}

/** @param hits exact calls by strength, in the order of {@link STRENGTHS} */
export function strength(hits: readonly number[]): number {
  const most = Math.max(...hits);
  if (hits[0]! >= most - 1) return 0;
  const good = STRENGTHS.filter((_, i) => hits[i]! >= most - 1);
  return good[(good.length - 1) >> 1]!;
}

/** Those that a renaming changes. */
function renamedOnes(conversations: readonly Conversation[]): Conversation[] {
  return conversations.flatMap((conversation) => {
    const other = renamed(conversation, SEED);
    return JSON.stringify(other.messages) === JSON.stringify(conversation.messages) ? [] : [other];
  });
}
