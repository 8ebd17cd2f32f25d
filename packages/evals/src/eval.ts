/**
 * Runs a model through evaluation conversations: each model turn is asked for with the reference history before it, under the
 * default moves (an answer, or calls of declared tools), greedily unless a setting says otherwise. Out: shares with 95 % intervals.
 */
import { collectReply, type ChatModel, type Reply, type Sampling } from "@orrery/chat";
import { goldTurns, type Conversation, type GoldTurn } from "./conversation.ts";
import { scoreTurn, type TurnScore } from "./score.ts";
import { wilson, type Share } from "./wilson.ts";

/** In the order they are printed. */
export const MEASURES = ["wellFormed", "decision", "name", "exact", "copied", "numbers"] as const;
export type Measure = (typeof MEASURES)[number];

export const MEASURE_TITLES: Readonly<Record<Measure, string>> = {
  wellFormed: "well-formed output",
  decision: "call or answer: right",
  name: "tool name exact",
  exact: "whole call exact",
  copied: "copied texts exact",
  numbers: "answer holds every number",
};

export interface EvalResult {
  readonly turns: number;
  readonly measures: Readonly<Record<Measure, Share>>;
  readonly maskedMass: number;
  readonly forcedShare: number;
  readonly seconds: number;
  /** One entry a turn, in order, for pairing two runs. */
  readonly scores: readonly (TurnScore & { readonly id: string; readonly kind: string; readonly reply: string })[];
}

export interface EvalOptions {
  /** Default one: the model's own. */
  readonly settings?: readonly Sampling[];
  /** Only the turns at which the reference calls. Default all. */
  readonly onlyCalls?: boolean;
  readonly onTurn?: (done: number, total: number) => void;
}

/**
 * One result for each setting, in order. The settings take turns at every turn of a conversation, so that only the first of them computes
 * its prompt.
 */
export async function evaluate(
  model: ChatModel,
  conversations: readonly Conversation[],
  { settings = [{}], onlyCalls = false, onTurn }: EvalOptions = {},
): Promise<EvalResult[]> {
  const all = conversations.flatMap((c) => goldTurns(c).map((gold) => ({ conversation: c, gold })));
  const turns = onlyCalls ? all.filter(({ gold }) => gold.calls.length > 0) : all;
  const tallies = settings.map(() => new Tally());
  for (const [done, { conversation, gold }] of turns.entries()) {
    for (const [i, sampling] of settings.entries()) {
      const request = { messages: gold.history, tools: conversation.tools, sampling, maxTokens: 160 };
      tallies[i]!.add(await collectReply(model.stream(request)), conversation, gold);
    }
    onTurn?.(done + 1, turns.length);
  }
  return tallies.map((tally) => tally.result());
}

class Tally {
  readonly #scores: EvalResult["scores"][number][] = [];
  #masked = 0;
  #forced = 0;
  #replyTokens = 0;
  #ms = 0;

  /** @throws OrreryError of a reply that failed */
  add({ message, finish }: Reply, { id, kind }: Conversation, gold: GoldTurn): void {
    if (finish.error) throw finish.error;
    this.#masked += finish.stats.maskedMass;
    this.#forced += finish.usage.forcedTokens;
    this.#replyTokens += finish.usage.replyTokens;
    this.#ms += finish.stats.totalMs;
    const reply = message.calls?.map((c) => `${c.name} ${JSON.stringify(c.input)}`).join("; ") ?? message.content ?? "";
    this.#scores.push({ id, kind, ...scoreTurn({ message, finish }, gold), reply });
  }

  result(): EvalResult {
    const scores = this.#scores;
    const share = (measure: Measure): Share => {
      const judged = scores.filter((s) => s[measure] !== undefined);
      return wilson(judged.filter((s) => s[measure]).length, judged.length);
    };
    return {
      turns: scores.length,
      measures: Object.fromEntries(MEASURES.map((m) => [m, share(m)])) as Record<Measure, Share>,
      maskedMass: this.#masked / Math.max(1, scores.length),
      forcedShare: this.#forced / Math.max(1, this.#replyTokens),
      seconds: this.#ms / 1000,
      scores,
    };
  }
}
