/**
 * An agent: a model and a chart, joined once. In: a description. Out: what `run` runs. Law: this is the only file that knows both the
 * charts and their actors.
 */
import type { ChatModel, JsonSchema, ToolSpec } from "@orrery/chat";
import { fromPromise } from "xstate";
import { z } from "zod";
import { caller, type Surroundings } from "./actors/call.ts";
import { decide, decider } from "./actors/decide.ts";
import { agentChart, type AgentChart, type Limits } from "./chart.ts";
import type { ActorFunction } from "./driver.ts";
import { AgentError } from "./errors.ts";
import type { CallResult } from "./machines/chart-state.ts";
import type { CallInput, ChartEmitted, ChartMachine } from "./machines/core.ts";
import { phase } from "./machines/phase.ts";
import { exitsOf } from "./moves.ts";
import type { Approval, Policy } from "./policy.ts";
import type { Tool } from "./tool.ts";
import { toolSchema, type ToolSchema } from "./tool-schema.ts";

export interface AgentOptions<Output = string> {
  readonly model: ChatModel;
  /** What the model may call while it works on a turn. Left out where a chart is given. */
  readonly tools?: readonly Tool[];
  /** The system message. Default none. */
  readonly instructions?: string;
  /** The form of the answer: a zod type or a JSON Schema. Default: free text. Left out where a chart is given: its phases say. */
  readonly output?: z.ZodType<Output> | JsonSchema;
  readonly limits?: Limits;
  readonly approval?: Approval | Policy;
  /** Phases and states of your own instead of the one phase that has all tools and the answer: {@link agentChart}. */
  readonly chart?: AgentChart;
  /** Let a model that can think do so before each move. Default false. */
  readonly thinking?: boolean;
}

export interface Agent<Output = string> {
  readonly model: ChatModel;
  readonly tools: readonly Tool[];
  readonly instructions: string | undefined;
  readonly output: ToolSchema | undefined;
  readonly limits: Limits;
  /** The chart with its actors, for XState's own `createActor`; to draw, to check, to invoke from a chart of your own. */
  readonly machine: ChartMachine;
  /** What the chart's named actors do. */
  readonly actors: (around?: Surroundings) => Readonly<Record<string, ActorFunction>>;
  /** Only a type: what `output` of a result is. */
  readonly answers?: Output;
}

/**
 * @throws AgentError `agent/bad-tool` for two tools of one name, `agent/bad-limit` for a limit that is not positive, `agent/bad-chart`
 *   for a chart together with what the chart itself says
 */
export function createAgent<Output = string>(options: AgentOptions<Output>): Agent<Output> {
  const { model, instructions, output, thinking } = options;
  const answer = output && toolSchema(output, "the output of the agent", "input");
  const chart = options.chart ?? turnChart(options, answer?.schema);
  if (options.chart && (options.tools || options.limits || options.approval || output))
    throw new AgentError("agent/bad-chart", "tools, limits, approval and output are given beside a chart", {
      hint: "give them to agentChart and its phases",
    });
  const { tools, machine, limits } = chart;
  const specs: readonly ToolSpec[] = [...tools.map(({ name, description, input }) => ({ name, description, input })), ...exitsOf(machine)];
  const deciding = { model, tools: specs, replyTokens: limits.replyTokens, thinking };
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const call = caller(byName);
  const actors = (around?: Surroundings): Readonly<Record<string, ActorFunction>> => ({
    decide: (args) => decide(deciding, args),
    call: (args) => call(args, around),
  });
  return {
    model,
    tools,
    instructions,
    output: answer,
    limits,
    machine: machine.provide({
      actors: {
        decide: decider(deciding),
        call: fromPromise<CallResult, CallInput, ChartEmitted>((calling) => call(calling)),
      },
    }) as ChartMachine,
    actors,
  };
}

/** One phase: all tools, and the answer. */
function turnChart({ tools = [], limits = {}, approval }: AgentOptions<never> | AgentOptions<unknown>, schema: JsonSchema | undefined) {
  return agentChart({
    tools,
    limits,
    ...(approval === undefined ? {} : { approval }),
    states: { turn: phase({ tools: tools.map(({ name }) => name), answer: schema ? { schema } : true }) },
  });
}
