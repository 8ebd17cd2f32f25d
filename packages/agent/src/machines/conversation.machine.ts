/**
 * A conversation of many turns. In: what the user says. Out: turns, and a summary in place of old ones before the context is full.
 *
 *     idle ──say──▶ measuring ──crowded──▶ compacting ──▶ turning ──▶ idle
 *                   measuring ───────────────────────────▶ turning ──tooLong, not compacted yet──▶ compacting
 *
 * Law: nothing is left out silently: what goes is in the summary, and the compaction is told. A turn that failed is not part of the
 * conversation.
 */
import type { Message } from "@orrery/chat";
import { assign, emit, fromPromise, setup } from "xstate";
import { errorFacts, type ErrorFacts } from "../errors.ts";

export interface ConversationContext {
  /** Of what was said before `messages`; null before the first compaction. */
  readonly summary: string | null;
  /** Whole turns, without a system message. */
  readonly messages: readonly Message[];
  /** Tools whose untrusted results were read, also those that only the summary has left. */
  readonly untrusted: readonly string[];
  /** What the user just said. */
  readonly task: string;
  /** Tokens of the last prompt and its reply. */
  readonly tokens: number;
  readonly compactions: number;
  /** Was the conversation compacted for this turn? */
  readonly compacted: "no" | "yes";
}

/** What became of a turn, as far as the conversation must know. */
export interface TurnOutcome {
  readonly kept: { readonly messages: readonly Message[]; readonly untrusted: readonly string[]; readonly tokens: number } | null;
  /** The prompt did not fit into the context. */
  readonly tooLong: boolean;
}

export interface Compacted {
  readonly summary: string;
  readonly messages: readonly Message[];
}

export type ConversationEmitted =
  | { readonly type: "compaction"; readonly before: number; readonly after: number; readonly summary: string }
  | { readonly type: "compaction-failed"; readonly error: ErrorFacts };

export interface ConversationInput {
  readonly summary: string | null;
  readonly messages: readonly Message[];
  readonly untrusted: readonly string[];
  readonly tokens: number;
}

/** @param crowdedAt Tokens from which on a conversation is compacted before the next turn. */
export function conversationMachine(crowdedAt: number) {
  return setup({
    types: {
      context: {} as ConversationContext,
      input: {} as ConversationInput,
      events: {} as { type: "say"; text: string },
      emitted: {} as ConversationEmitted,
    },
    actors: {
      turn: fromPromise<TurnOutcome, ConversationContext>(() => Promise.reject(new TypeError("'turn' was not provided"))),
      compact: fromPromise<Compacted, ConversationContext>(() => Promise.reject(new TypeError("'compact' was not provided"))),
    },
    guards: {
      crowded: ({ context }) => context.tokens >= crowdedAt,
      tooLong: ({ context }, { tooLong }: TurnOutcome) => tooLong && context.compacted === "no" && context.messages.length > 0,
    },
    actions: {
      hear: assign((_, { text }: { text: string }) => ({ task: text, compacted: "no" as const })),
      keep: assign((_, { kept }: TurnOutcome) => kept ?? {}),
      compacted: assign(({ context }, { summary, messages }: Compacted) => ({
        summary,
        messages,
        tokens: 0, // not known before the next reply
        compactions: context.compactions + 1,
        compacted: "yes" as const,
      })),
      tell: emit(({ context }, { summary, messages }: Compacted) => ({
        type: "compaction" as const,
        before: context.messages.length,
        after: messages.length,
        summary,
      })),
      tellFailure: emit((_, { thrown }: { thrown: unknown }) => ({
        type: "compaction-failed" as const,
        error: errorFacts(thrown, "agent/model-failed"),
      })),
    },
  }).createMachine({
    id: "conversation",
    context: ({ input }) => ({ ...input, task: "", compactions: 0, compacted: "no" }),
    initial: "idle",
    states: {
      idle: { on: { say: { target: "measuring", actions: { type: "hear", params: ({ event }) => event } } } },
      measuring: { always: [{ guard: "crowded", target: "compacting" }, { target: "turning" }] },
      compacting: {
        invoke: {
          id: "compact",
          src: "compact",
          input: ({ context }) => context,
          onDone: {
            target: "turning",
            actions: [
              { type: "tell", params: ({ event }) => event.output },
              { type: "compacted", params: ({ event }) => event.output },
            ],
          },
          // The turn may still fit; if not, it says so itself.
          onError: { target: "turning", actions: { type: "tellFailure", params: ({ event }) => ({ thrown: event.error }) } },
        },
        exit: assign({ compacted: "yes" as const }),
      },
      turning: {
        invoke: {
          id: "turn",
          src: "turn",
          input: ({ context }) => context,
          onDone: [
            { guard: { type: "tooLong", params: ({ event }) => event.output }, target: "compacting" },
            { target: "idle", actions: { type: "keep", params: ({ event }) => event.output } },
          ],
          onError: "idle",
        },
      },
    },
  });
}
