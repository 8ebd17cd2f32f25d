/**
 * A model that plays at random. In: a seed. Out: legal moves, each as likely as the others, with random inputs. Law: the same seed plays
 * the same game; what it plays is legal unless it is told to break the rules.
 */
import { NO_STATS, NO_USAGE, resolveMoves, type ChatEvent, type ChatModel, type Moves, type ToolCall } from "@orrery/chat";
import { pick, randomFrom, randomInstance, randomInteger, randomText, type Random } from "../random-instance.ts";

export interface RandomModelOptions {
  /** Share of replies that break the moves on purpose, 0 (default) … 1: what a model without constraint may do. */
  readonly illegal?: number;
}

/** Plays uniformly among the legal moves, with random inputs. The same seed plays the same game. */
export function randomModel(seed: number, { illegal = 0 }: RandomModelOptions = {}): ChatModel {
  const random = randomFrom(seed);
  let made = 0;
  const call = (name: string, input: ToolCall["input"]): ChatEvent => ({
    type: "tool-call",
    call: { id: `random-${++made}`, name, input },
  });

  async function* play(moves: Moves, signal: AbortSignal | undefined): AsyncGenerator<ChatEvent> {
    await Promise.resolve();
    const finish = (reason: "stop" | "tool-calls" | "aborted"): ChatEvent => ({ type: "finish", reason, usage: NO_USAGE, stats: NO_STATS });
    if (signal?.aborted) return yield finish("aborted");
    if (random() < illegal) {
      yield call(pick(random, ["no_such_tool", ...moves.calls.map(({ name }) => name)]), { "not an argument": randomText(random) });
      return yield finish("tool-calls");
    }
    const options = [...(moves.answer === false ? [] : ["answer" as const]), ...moves.calls];
    if (pick(random, options) === "answer") {
      const text =
        moves.answer === true || moves.answer === false ? randomText(random) : JSON.stringify(randomInstance(moves.answer.schema, random));
      if (text) yield { type: "text-delta", text };
      return yield finish("stop");
    }
    for (let i = randomInteger(random, 1, moves.parallel); i > 0; i--) {
      const { name, input } = pick(random, moves.calls);
      yield call(name, objectInstance(input, random));
    }
    yield finish("tool-calls");
  }

  return {
    id: `random-${seed}`,
    contextLength: 1_000_000,
    stream: (request) => play(resolveMoves(request.tools ?? [], request.moves), request.signal),
  };
}

function objectInstance(schema: ToolCall["input"], random: Random): ToolCall["input"] {
  const made = randomInstance(schema, random);
  return typeof made === "object" && made !== null && !Array.isArray(made) ? (made as ToolCall["input"]) : {};
}
