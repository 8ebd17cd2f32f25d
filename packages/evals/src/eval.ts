/**
 * Runs a model through evaluation conversations: each model turn is asked for with the reference history before it, under the
 * default moves (an answer, or calls of declared tools), greedily. Out: shares with 95 % intervals, per measure and per kind.
 */
import { collectReply, type ChatModel } from "@orrery/chat";
import { goldTurns, type Conversation } from "./conversation.ts";
import { scoreTurn, type TurnScore } from "./score.ts";
import { wilson, type Share } from "./wilson.ts";

/** In the order they are printed. */
export const MEASURES = ["wellFormed", "decision", "name", "exact", "numbers"] as const;
export type Measure = (typeof MEASURES)[number];

export const MEASURE_TITLES: Readonly<Record<Measure, string>> = {
  wellFormed: "well-formed output",
  decision: "call or answer: right",
  name: "tool name exact",
  exact: "whole call exact",
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

export async function evaluate(
  model: ChatModel,
  conversations: readonly Conversation[],
  onTurn?: (done: number, total: number) => void,
): Promise<EvalResult> {
  const turns = conversations.flatMap((c) => goldTurns(c).map((gold) => ({ conversation: c, gold })));
  const scores: EvalResult["scores"][number][] = [];
  const started = performance.now();
  let masked = 0;
  let forced = 0;
  let replyTokens = 0;
  for (const { conversation, gold } of turns) {
    const reply = await collectReply(model.stream({ messages: gold.history, tools: conversation.tools, maxTokens: 160 }));
    if (reply.finish.error) throw reply.finish.error;
    masked += reply.finish.stats.maskedMass;
    forced += reply.finish.usage.forcedTokens;
    replyTokens += reply.finish.usage.replyTokens;
    scores.push({
      id: conversation.id,
      kind: conversation.kind,
      ...scoreTurn(reply, gold),
      reply: reply.message.calls
        ? reply.message.calls.map((c) => `${c.name} ${JSON.stringify(c.input)}`).join("; ")
        : (reply.message.content ?? ""),
    });
    onTurn?.(scores.length, turns.length);
  }
  const share = (measure: Measure): Share => {
    const judged = scores.filter((s) => s[measure] !== undefined);
    return wilson(judged.filter((s) => s[measure]).length, judged.length);
  };
  return {
    turns: turns.length,
    measures: Object.fromEntries(MEASURES.map((m) => [m, share(m)])) as Record<Measure, Share>,
    maskedMass: masked / Math.max(1, turns.length),
    forcedShare: forced / Math.max(1, replyTokens),
    seconds: (performance.now() - started) / 1000,
    scores,
  };
}
