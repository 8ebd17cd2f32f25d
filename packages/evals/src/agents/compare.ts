/**
 * Tasks with the mask and without it. In: tasks, and two forms of one model. Out: for each whether it was done, in how many decisions, with
 * how many illegal ones. Law: both forms get the same tasks with the same seeds, and see nothing of each other.
 */
import type { ChatEvent, ChatModel } from "@orrery/chat";
import { wilson, type Share } from "../wilson.ts";
import type { AgentTask, TaskResult } from "./tasks.ts";

export interface Attempt extends TaskResult {
  readonly name: string;
  /** Why a task could not be tried to its end. */
  readonly error?: string;
  /** Mean, over the sampled tokens, of the probability that the mask removed. */
  readonly maskedMass: number;
  readonly seconds: number;
}

export interface AgentsResult {
  readonly success: Share;
  readonly meanSteps: number;
  readonly illegal: number;
  readonly maskedMass: number;
  readonly attempts: readonly Attempt[];
}

/** Tries each task once. */
export async function attempt(
  model: ChatModel,
  tasks: readonly AgentTask[],
  { seed = 1, onTask }: { readonly seed?: number; readonly onTask?: (done: number, total: number) => void } = {},
): Promise<AgentsResult> {
  const attempts: Attempt[] = [];
  for (const task of tasks) {
    const watched = new WatchedModel(model);
    const before = performance.now();
    const result = await task.run(watched, { seed }).catch((thrown: unknown) => ({
      success: false,
      steps: 0,
      illegal: 0,
      error: thrown instanceof Error ? thrown.message : String(thrown),
    }));
    attempts.push({ ...result, name: task.name, maskedMass: watched.maskedMass, seconds: (performance.now() - before) / 1000 });
    onTask?.(attempts.length, tasks.length);
  }
  return summary(attempts);
}

export function summary(attempts: readonly Attempt[]): AgentsResult {
  const mean = (value: (one: Attempt) => number): number =>
    attempts.length === 0 ? 0 : attempts.reduce((sum, one) => sum + value(one), 0) / attempts.length;
  return {
    success: wilson(attempts.filter(({ success }) => success).length, attempts.length),
    meanSteps: mean(({ steps }) => steps),
    illegal: attempts.reduce((sum, { illegal }) => sum + illegal, 0),
    maskedMass: mean(({ maskedMass }) => maskedMass),
    attempts,
  };
}

/** The same model; what its replies say of the mask is added up. */
class WatchedModel implements ChatModel {
  readonly id: string;
  readonly contextLength: number;
  readonly #model: ChatModel;
  #mass = 0;
  #tokens = 0;

  constructor(model: ChatModel) {
    this.#model = model;
    this.id = model.id;
    this.contextLength = model.contextLength;
  }

  get maskedMass(): number {
    return this.#tokens === 0 ? 0 : this.#mass / this.#tokens;
  }

  stream(request: Parameters<ChatModel["stream"]>[0]): AsyncIterable<ChatEvent> {
    const stream = this.#model.stream(request); // what is wrong with a request is thrown at once
    return this.#watch(stream);
  }

  async *#watch(stream: AsyncIterable<ChatEvent>): AsyncGenerator<ChatEvent> {
    for await (const event of stream) {
      if (event.type === "finish") {
        this.#mass += event.stats.maskedMass * event.stats.sampledTokens;
        this.#tokens += event.stats.sampledTokens;
      }
      yield event;
    }
  }
}
