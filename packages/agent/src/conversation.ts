/**
 * A conversation with an agent. In: what the user says, turn by turn. Out: results. Law: the conversation chart decides what is kept;
 * before the context is full, old turns become a summary that the model writes, and whoever watches is told.
 */
import { collectReply, messageSchema, type Message } from "@orrery/chat";
import { z } from "zod";
import type { Agent } from "./agent.ts";
import { Drive } from "./driver.ts";
import { AgentError, errorFacts } from "./errors.ts";
import { conversationMachine } from "./machines/conversation.machine.ts";
import type { Compacted, ConversationContext, ConversationEmitted, TurnOutcome } from "./machines/conversation.machine.ts";
import type { RunEvent, RunOptions, RunResult } from "./result.ts";
import { run } from "./run.ts";

export interface CompactionOptions {
  /** Share of the model's context from which on old turns are summed up, above 0 … 1. Default 0.7. */
  readonly at?: number;
  /** Turns that are kept word for word. Default 1. */
  readonly keepTurns?: number;
  /** What the model is asked. Default: facts, decisions and open questions, in a few sentences. */
  readonly request?: string;
  /** Tokens of a summary. Default 256. */
  readonly summaryTokens?: number;
}

export interface ConversationOptions {
  readonly compaction?: CompactionOptions;
  /** What {@link Conversation.save} gave. */
  readonly saved?: SavedConversation;
}

/** A conversation as JSON. */
export interface SavedConversation {
  readonly format: "orrery-conversation/1";
  readonly summary: string | null;
  readonly messages: readonly Message[];
  readonly untrusted: readonly string[];
  readonly tokens: number;
}

export interface SayOptions extends Omit<RunOptions, "messages" | "onEvent"> {
  readonly onEvent?: (event: RunEvent | ConversationEmitted) => void;
}

export interface Conversation<Output = string> {
  /** The turns that are kept, and the summary of the rest in the system message. */
  readonly messages: readonly Message[];
  /**
   * One turn. A turn that waits for a person is not kept: pass `approve`.
   * @throws AgentError `agent/busy` while another turn is under way
   */
  say(text: string, options?: SayOptions): Promise<RunResult<Output>>;
  save(): SavedConversation;
}

const REQUEST = "Sum up our conversation so far in a few sentences: facts, decisions, and what is still open.";
const SUMMARY = "Summary of the earlier conversation:";
const TOO_LONG = "runtime/context-length";
const savedSchema = z.object({
  format: z.literal("orrery-conversation/1"),
  summary: z.string().nullable(),
  messages: z.array(messageSchema),
  untrusted: z.array(z.string()),
  tokens: z.int().nonnegative(),
});

/** @throws AgentError `agent/bad-limit`, `agent/bad-snapshot` for a saved conversation that is none */
export function conversation<Output>(agent: Agent<Output>, { compaction = {}, saved }: ConversationOptions = {}): Conversation<Output> {
  const { at = 0.7, keepTurns = 1, request = REQUEST, summaryTokens = 256 } = compaction;
  if (!(at > 0 && at <= 1) || !Number.isSafeInteger(keepTurns) || keepTurns < 0)
    throw new AgentError(
      "agent/bad-limit",
      `compaction: at must be above 0 and at most 1, keepTurns a whole number; found ${at}, ${keepTurns}`,
      {
        hint: "correct the limit, or leave it out",
      },
    );
  const begin = saved === undefined ? { summary: null, messages: [], untrusted: [], tokens: 0 } : readSaved(saved);
  let open: { options: SayOptions; result?: RunResult<Output>; settle: (idle: "idle") => void } | undefined;

  const turn = async ({ input: context, signal }: { input: ConversationContext; signal: AbortSignal }): Promise<TurnOutcome> => {
    const { onEvent, ...options } = open!.options;
    const result = await run(agent, context.task, {
      ...options,
      signal: options.signal ? AbortSignal.any([options.signal, signal]) : signal,
      messages: promptOf(agent, context),
      untrusted: context.untrusted,
      ...(onEvent ? { onEvent } : {}),
    });
    open!.result = result;
    const { status, messages, untrusted, contextTokens } = result;
    const over = status === "answered" || status === "ended" || status === "cancelled";
    return {
      kept: over ? { messages: withoutSystem(messages), untrusted, tokens: contextTokens || context.tokens } : null,
      tooLong: result.error?.code === TOO_LONG,
    };
  };
  const compact = async ({ input: context }: { input: ConversationContext }): Promise<Compacted> => {
    const [old, kept] = split(context.messages, keepTurns);
    const from = old.length > 0 ? old : kept;
    const summary = await summarise(from, context.summary);
    return { summary, messages: old.length > 0 ? kept : [] };
  };

  /** In halves where it does not fit: each half is summed up on top of the other's summary. */
  const summarise = async (messages: readonly Message[], before: string | null): Promise<string> => {
    const prompt: Message[] = [...promptOf(agent, { summary: before, messages }), { role: "user", content: request }];
    const options = open!.options;
    try {
      const { message, finish } = await collectReply(
        agent.model.stream({
          messages: prompt,
          moves: { answer: true, calls: [], parallel: 1 },
          maxTokens: summaryTokens,
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.sampling ? { sampling: options.sampling } : {}),
        }),
      );
      if (finish.error) throw finish.error;
      if (finish.reason === "aborted") throw new AgentError("agent/cancelled", "the summary was cancelled");
      return message.content ?? "";
    } catch (thrown) {
      const halves = halvesOf(messages);
      if (errorFacts(thrown, "").code !== TOO_LONG || !halves) throw thrown;
      return summarise(halves[1], await summarise(halves[0], before));
    }
  };

  const drive = new Drive({
    machine: conversationMachine(Math.floor(at * agent.model.contextLength)),
    actors: { turn, compact },
    onEmit: (event) => open?.options.onEvent?.(event as ConversationEmitted),
    onStep: (snapshot) => {
      if (snapshot.value === "idle") open?.settle("idle");
    },
  }).start(begin);
  const contextOf = (): ConversationContext => drive.snapshot.context as ConversationContext;

  return {
    get messages() {
      return promptOf(agent, contextOf());
    },
    async say(text, options = {}) {
      if (open)
        throw new AgentError("agent/busy", "a turn of this conversation is under way", {
          hint: "wait for its result, or cancel it by its signal",
        });
      const idle = new Promise<"idle">((settle) => (open = { options, settle }));
      drive.send({ type: "say", text } as { type: string });
      await idle;
      const { result } = open!;
      open = undefined;
      if (!result) throw new AgentError("agent/chart-failed", "the turn ended without a result");
      return result;
    },
    save() {
      const { summary, messages, untrusted, tokens } = contextOf();
      return { format: "orrery-conversation/1", summary, messages, untrusted, tokens };
    },
  };
}

function readSaved(saved: unknown): SavedConversation {
  const read = savedSchema.safeParse(saved);
  if (read.success) return read.data as SavedConversation;
  const issue = read.error.issues[0];
  throw new AgentError("agent/bad-snapshot", `this is not a conversation: ${issue?.path.join(".") || "the whole"}: ${issue?.message}`, {
    hint: "pass what `save()` gave, as it was",
  });
}

/** What a turn begins with: instructions and summary in one system message, then the turns that are kept. */
function promptOf({ instructions }: Agent<unknown>, { summary, messages }: Pick<ConversationContext, "summary" | "messages">): Message[] {
  const system = [...(instructions === undefined ? [] : [instructions]), ...(summary === null ? [] : [`${SUMMARY}\n${summary}`])];
  return [...(system.length > 0 ? [{ role: "system" as const, content: system.join("\n\n") }] : []), ...messages];
}

function withoutSystem(messages: readonly Message[]): readonly Message[] {
  return messages[0]?.role === "system" ? messages.slice(1) : messages;
}

/** Before and from the last `turns` turns on. */
function split(messages: readonly Message[], turns: number): [Message[], Message[]] {
  const starts = messages.flatMap(({ role }, i) => (role === "user" ? [i] : []));
  const at = turns === 0 ? messages.length : (starts.at(-turns) ?? 0);
  return [messages.slice(0, at), messages.slice(at)];
}

/** Two parts, cut where a turn begins; undefined where there is only one. */
function halvesOf(messages: readonly Message[]): [Message[], Message[]] | undefined {
  const starts = messages.flatMap(({ role }, i) => (role === "user" && i > 0 ? [i] : []));
  const at = starts[Math.floor((starts.length - 1) / 2)];
  return at === undefined ? undefined : [messages.slice(0, at), messages.slice(at)];
}
