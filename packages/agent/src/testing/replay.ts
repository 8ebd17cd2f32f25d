/**
 * Plays a recorded run again, without its model and without the effects of its tools. In: a cassette. Out: a model and tools that answer
 * as those did. Law: an answer is given only to the very question that was recorded; to any other the answer is an error that says what
 * differs.
 */
import type { ChatEvent, ChatModel, ChatRequest, Json } from "@orrery/chat";
import { NO_STATS, NO_USAGE } from "@orrery/chat";
import { createReadStream } from "node:fs";
import { AgentError, errorFrom } from "../errors.ts";
import type { Tool } from "../tool.ts";
import { asked, readCassette, type CallEntry, type ReplyEntry } from "./cassette-format.ts";
import { differences, isSame } from "./differences.ts";

export interface Replay {
  /** Answers the recorded requests. */
  readonly model: ChatModel;
  /** The tools with the recorded results; what they would do is not done. */
  tools(tools: readonly Tool[]): readonly Tool[];
  /** @throws AgentError the first `agent/cassette-mismatch` or `agent/cassette-exhausted` that was met, else `agent/cassette-unused` for answers left */
  assertComplete(): void;
}

/**
 * Opens a cassette: a path, or its text in pieces.
 *
 * @example
 * const tape = await replay("fixtures/dentist.jsonl");
 * const agent = createAgent({ model: tape.model, tools: tape.tools(tools) });
 * const result = await run(agent, "Delete the note about the dentist.");
 * tape.assertComplete();
 * @throws AgentError `agent/bad-cassette`
 */
export async function replay(source: string | AsyncIterable<string | Uint8Array>): Promise<Replay> {
  const entries = await readCassette(typeof source === "string" ? createReadStream(source) : source);
  const replies = entries.filter((entry) => entry.type === "reply");
  const left = new Set(entries);
  let missed: AgentError | undefined;

  const miss = (code: string, message: string): AgentError => {
    const error = new AgentError(code, message, { hint: "record the run again if the agent was changed on purpose" });
    missed ??= error;
    return error;
  };
  const next = <Entry extends ReplyEntry | CallEntry>(
    type: Entry["type"],
    facts: Json,
    { of, describe }: { of: (entry: Entry) => Json | undefined; describe: string },
  ): Entry => {
    const open = [...left].filter((entry): entry is Entry => entry.type === type && of(entry as Entry) !== undefined);
    const found = open.find((entry) => isSame(of(entry), facts));
    if (found) {
      left.delete(found);
      return found;
    }
    const [expected] = open;
    if (!expected) throw miss("agent/cassette-exhausted", `the cassette has no more answer to ${describe}`);
    const lines = differences(of(expected), facts);
    throw miss("agent/cassette-mismatch", `${describe} is not as recorded in line ${expected.line}: ${lines.join("; ")}`);
  };

  return {
    model: {
      id: replies[0]?.model.id ?? "replayed",
      contextLength: replies[0]?.model.contextLength ?? 8192,
      stream(request: ChatRequest) {
        const facts = asked(request) as unknown as Json;
        const entry = next<ReplyEntry>("reply", facts, {
          of: (one) => one.request as unknown as Json,
          describe: "a request to the model",
        });
        if (entry.thrown && entry.events.length === 0) throw errorFrom(entry.thrown);
        return played(entry, request.signal);
      },
    },
    tools: (tools) =>
      tools.map((tool) => ({
        ...tool,
        run: async (input, { callId, signal, progress = () => {} }) => {
          const {
            output = null,
            error,
            cut,
            progress: told,
          } = next<CallEntry>(
            "call",
            { callId, input: JSON.parse(JSON.stringify(input)) as Json },
            {
              of: (one) => (one.tool === tool.name ? { callId: one.callId, input: one.input } : undefined),
              describe: `a call of '${tool.name}'`,
            },
          );
          for (const value of told) progress(structuredClone(value));
          if (error) throw errorFrom(error);
          if (cut) await untilAborted(signal);
          return structuredClone(output);
        },
      })),
    assertComplete() {
      if (missed) throw missed;
      const [first] = left;
      if (first)
        throw new AgentError(
          "agent/cassette-unused",
          `${left.size} of ${entries.length} recorded answers were not asked for, the first in line ${first.line}`,
          {
            hint: "find out why the run ended early, or record it again",
          },
        );
    },
  };
}

async function* played({ events, thrown, cut }: ReplyEntry, signal: AbortSignal | undefined): AsyncGenerator<ChatEvent> {
  const aborted: ChatEvent = { type: "finish", reason: "aborted", usage: NO_USAGE, stats: NO_STATS };
  await Promise.resolve();
  for (const event of events) {
    if (signal?.aborted) return yield aborted;
    yield event;
  }
  if (thrown) throw errorFrom(thrown);
  if (cut) yield aborted;
}

/** Never settles but by the signal: so did the call when it was recorded. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
