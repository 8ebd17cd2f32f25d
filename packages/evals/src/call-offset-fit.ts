/**
 * The offset between calling and answering that a set of turns asks for. In: a model and conversations. Out: how much likelier a call was
 * than an answer at each turn, measured once; and from that, without the model, the offset that decides most turns rightly. Law: what is
 * claimed for the offset is what it gets right on conversations that it was not fitted on.
 */
import type { Speaker } from "@orrery/runtime";
import { goldTurns, type Conversation } from "./conversation.ts";
import { wilson, type Share } from "./wilson.ts";

/** One turn: by how much the logit of opening a call is above the largest of the others, and what the reference did. */
export interface CallMargin {
  readonly conversation: string;
  readonly margin: number;
  readonly called: boolean;
}

export interface OffsetFit {
  /** The offset nearest to 0 among those that decide most turns rightly. */
  readonly offset: number;
  /** Turns decided rightly without an offset, and with it. */
  readonly before: Share;
  readonly after: Share;
  /** Of the turns of each tenth of the conversations, decided with an offset fitted on the other nine. */
  readonly crossValidated: Share;
}

/** Quarters of a nat: finer steps are within the noise of some hundred turns. */
const STEP = 0.25;
const MOST = 8;
const FOLDS = 10;

/** From 0 outwards, so that the first of equally good ones is the smallest. */
const GRID = Array.from({ length: (2 * MOST) / STEP + 1 }, (_, i) => (i % 2 === 1 ? -1 : 1) * STEP * Math.ceil(i / 2));

/** Prompts only: one step a turn. */
export async function callMargins(
  model: Pick<Speaker, "trace">,
  conversations: readonly Conversation[],
  onTurn?: (done: number, total: number) => void,
): Promise<CallMargin[]> {
  const turns = conversations.flatMap((conversation) => goldTurns(conversation).map((gold) => ({ conversation, gold })));
  const margins: CallMargin[] = [];
  for (const [done, { conversation, gold }] of turns.entries()) {
    const { tools, id } = conversation;
    if (tools.length === 0) continue; // nothing to decide
    const request = { messages: gold.history, tools, maxTokens: 1 };
    // Where only calls are legal, the first token opens one, and is forced: it costs no step.
    const calls = tools.map(({ name, input }) => ({ name, input }));
    const [open] = (await model.trace({ ...request, moves: { answer: false, calls, parallel: 1 } })).ids;
    const [first] = (await model.trace({ ...request, sampling: { callOffset: 0 } })).steps;
    if (open === undefined || !first) continue;
    let other = -Infinity;
    first.logits.forEach((logit, token) => {
      const legal = first.legal === null || ((first.legal[token >>> 5] ?? 0) & (1 << (token & 31))) !== 0;
      if (legal && token !== open && logit > other) other = logit;
    });
    margins.push({ conversation: id, margin: first.logits[open]! - other, called: gold.calls.length > 0 });
    onTurn?.(done + 1, turns.length);
  }
  return margins;
}

const right = (margins: readonly CallMargin[], offset: number): number =>
  margins.filter(({ margin, called }) => margin + offset > 0 === called).length;

function best(margins: readonly CallMargin[]): number {
  let offset = 0;
  let most = right(margins, 0);
  for (const one of GRID) {
    const hits = right(margins, one);
    if (hits > most) {
      offset = one;
      most = hits;
    }
  }
  return offset;
}

export function fitOffset(margins: readonly CallMargin[]): OffsetFit {
  const offset = best(margins);
  const fold = new Map([...new Set(margins.map(({ conversation }) => conversation))].map((id, i) => [id, i % FOLDS]));
  let held = 0;
  for (let k = 0; k < FOLDS; k++) {
    const out = margins.filter(({ conversation }) => fold.get(conversation) === k);
    held += right(out, best(margins.filter(({ conversation }) => fold.get(conversation) !== k)));
  }
  const share = (hits: number) => wilson(hits, margins.length);
  return { offset, before: share(right(margins, 0)), after: share(right(margins, offset)), crossValidated: share(held) };
}
