/**
 * `@orrery/agent/testing`: play a chart without a model. A random player makes every legal move sooner or later, so it finds what a
 * chart allows and its author did not mean; `statesReached` walks a chart as a pure function.
 */
import { NO_STATS, NO_USAGE, resolveMoves, type ChatEvent, type ChatModel, type Moves, type ToolCall } from "@orrery/chat";
import {
  getInitialMicrosteps,
  getMicrosteps,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
  type StateValue,
} from "xstate";
import { pick, randomFrom, randomInstance, randomInteger, randomText, type Random } from "./random-instance.ts";

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

/** Snapshots looked at before the walk gives up: a chart whose context never repeats would go on for ever. */
const MAX_SNAPSHOTS = 5_000;

/**
 * Every state that `machine` passes through when fed with `events` in all orders, transient states included, as dotted paths.
 * Nothing is executed. Compare with {@link allStates}.
 */
export function statesReached<M extends AnyStateMachine>(
  machine: M,
  input: InputFrom<M>,
  events: (snapshot: SnapshotFrom<M>) => readonly EventFromLogic<M>[],
): string[] {
  const seen = new Set<string>();
  const known = new Set<string>();
  const [...first] = getInitialMicrosteps(machine, input as never);
  const queue = visit(first, seen, known);
  for (let n = 0; queue.length > 0 && n < MAX_SNAPSHOTS; n++) {
    const snapshot = queue.shift()!;
    for (const event of events(snapshot)) queue.push(...visit(getMicrosteps(machine, snapshot, event), seen, known));
  }
  return [...seen].sort();
}

/** Notes the states of some microsteps; gives the last snapshot back if it is new. */
function visit<S extends { value: StateValue; context: unknown; status: string }>(
  steps: readonly (readonly [S, unknown])[],
  seen: Set<string>,
  known: Set<string>,
): S[] {
  for (const [{ value }] of steps) for (const path of pathsOf(value)) seen.add(path);
  const last = steps.at(-1)?.[0];
  if (!last || last.status !== "active") return [];
  const key = JSON.stringify([last.value, last.context]);
  if (known.has(key)) return [];
  known.add(key);
  return [last];
}

/** All states of a machine, as dotted paths. */
export function allStates(machine: AnyStateMachine): string[] {
  const below = (node: AnyStateMachine["root"]): string[] =>
    Object.values(node.states).flatMap((state: AnyStateMachine["root"]) => [state.path.join("."), ...below(state)]);
  return below(machine.root).sort();
}

function pathsOf(value: StateValue | undefined): string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...pathsOf(inner).map((path) => `${name}.${path}`)]);
}
