/**
 * Records a real run. In: a model and tools. Out: the same, which write down what they answer. Law: nobody who calls them sees a
 * difference; a line is written when an answer is whole, so that what stands in the file did happen.
 */
import type { ChatEvent, ChatModel, ChatRequest, Json } from "@orrery/chat";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { AgentError, errorFacts, type ErrorFacts } from "../errors.ts";
import type { Tool } from "../tool.ts";
import { asked, callLine, headerLine, replyLine, type Asked, type CallEntry, type ReplyEntry } from "./cassette-format.ts";

export interface Recording {
  /** The model, heard. */
  model(model: ChatModel): ChatModel;
  /** The tools, heard. */
  tools(tools: readonly Tool[]): readonly Tool[];
  /** Ends the stream, and settles when all is written. @throws AgentError `agent/cassette-unwritable` */
  close(): Promise<void>;
}

/**
 * Begins a cassette: a path, whose file is replaced, or a stream. It will hold the whole conversation, whatever is secret in it.
 *
 * @example
 * const tape = record("fixtures/dentist.jsonl");
 * const agent = createAgent({ model: tape.model(await loadModel()), tools: tape.tools(tools) });
 * await run(agent, "Delete the note about the dentist.");
 * await tape.close();
 */
export function record(target: string | Writable): Recording {
  const stream = typeof target === "string" ? createWriteStream(target) : target;
  const written = finished(stream, { readable: false });
  written.catch(() => {}); // `close` says so
  let before: Asked | undefined;
  const write = (line: string): void => {
    if (stream.writable) stream.write(line);
  };
  write(headerLine());

  const reply = (model: ChatModel, request: Asked, rest: Omit<ReplyEntry, "type" | "line" | "model" | "request">): void => {
    write(replyLine({ model: { id: model.id, contextLength: model.contextLength }, request, ...rest }, before));
    before = request;
  };

  async function* heard(model: ChatModel, request: Asked, events: AsyncIterable<ChatEvent>): AsyncGenerator<ChatEvent> {
    const seen: ChatEvent[] = [];
    let end: { cut?: boolean; thrown?: ErrorFacts } = { cut: true };
    try {
      for await (const event of events) {
        seen.push(event);
        if (event.type === "finish") end = {};
        yield event;
      }
    } catch (thrown) {
      end = { thrown: errorFacts(thrown, "agent/model-failed") };
      throw thrown;
    } finally {
      reply(model, request, { events: seen, ...end });
    }
  }

  return {
    model: (model) => ({
      id: model.id,
      contextLength: model.contextLength,
      stream(given: ChatRequest) {
        const request = asked(given);
        try {
          return heard(model, request, model.stream(given));
        } catch (thrown) {
          reply(model, request, { events: [], thrown: errorFacts(thrown, "agent/model-failed") });
          throw thrown;
        }
      },
    }),
    tools: (tools) =>
      tools.map((tool) => ({
        ...tool,
        run: async (input, { progress = () => {}, ...context }) => {
          const told: Json[] = [];
          const call = { tool: tool.name, callId: context.callId, input: structuredClone(input), progress: told };
          let open = true;
          const end = (rest: Partial<CallEntry>): void => {
            if (open) write(callLine({ ...call, ...rest }));
            open = false;
          };
          const cut = (): void => end({ cut: true });
          context.signal.addEventListener("abort", cut, { once: true });
          try {
            const output = await tool.run(input, {
              ...context,
              progress: (value) => {
                if (open) told.push(structuredClone(value));
                progress(value);
              },
            });
            end({ output });
            return output;
          } catch (thrown) {
            end({ error: errorFacts(thrown, "tool/failed") });
            throw thrown;
          } finally {
            context.signal.removeEventListener("abort", cut);
          }
        },
      })),
    async close() {
      try {
        stream.end();
        await written;
      } catch (thrown) {
        throw new AgentError("agent/cassette-unwritable", `the cassette could not be written: ${errorFacts(thrown, "").message}`, {
          hint: "record to a path whose folder exists",
          cause: thrown,
        });
      }
    },
  };
}
