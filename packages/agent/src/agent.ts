/**
 * An agent: a model, its tools and the rules of the turn, joined once. In: a description. Out: a chart with its actors provided.
 * Law: this is the only file that knows both the machines and their actors.
 */
import type { ChatModel, Json, ToolCall } from "@orrery/chat";
import { assign, fromPromise } from "xstate";
import { decideWith } from "./actors/decide.ts";
import { AgentError } from "./errors.ts";
import { toolCallMachine } from "./machines/tool-call.machine.ts";
import { turnMachine } from "./machines/turn.machine.ts";
import { problemOfCall, type Tool } from "./tool.ts";

export interface Limits {
  /** Decisions of a turn that may call tools; after them the only legal move is to answer. Default 8. */
  readonly steps?: number;
  /**
   * Calls in one reply. Default 1: each decision then sees, and is narrowed by, the result of the one before, and small models choose
   * several calls at once badly. Raise it for tools that do not depend on one another.
   */
  readonly parallel?: number;
  /** Tokens of one reply. Default: the model's. */
  readonly replyTokens?: number;
  /** Milliseconds that one call may take. Default 60,000. */
  readonly toolTimeoutMs?: number;
}

/** Which calls wait for a person: those of `write` tools (default), none, all, or those for which the function says true. */
export type Approval = "writes" | "never" | "always" | ((call: ToolCall, tool: Tool) => boolean);

export interface AgentOptions {
  readonly model: ChatModel;
  readonly tools: readonly Tool[];
  /** The system message. Default none. */
  readonly instructions?: string;
  readonly limits?: Limits;
  readonly approval?: Approval;
}

export interface Agent {
  readonly model: ChatModel;
  readonly tools: readonly Tool[];
  readonly instructions: string | undefined;
  /** The turn chart with its actors: to draw, to inspect, to invoke from a chart of your own. */
  readonly machine: TurnChart;
}

export type TurnChart = ReturnType<typeof turnMachine>;

/** @throws AgentError `agent/bad-tool` for two tools of one name, `agent/bad-limit` for a limit that is not a positive integer */
export function createAgent({ model, tools, instructions, limits = {}, approval = "writes" }: AgentOptions): Agent {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  if (byName.size < tools.length)
    throw new AgentError("agent/bad-tool", `two tools have one name; the names are ${tools.map(({ name }) => name).join(", ")}`, {
      hint: "give each tool a name of its own",
    });
  const { steps = 8, parallel = 1, replyTokens, toolTimeoutMs = 60_000 } = limits;
  for (const [name, value] of Object.entries({ steps, parallel, replyTokens: replyTokens ?? 1, toolTimeoutMs }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new AgentError("agent/bad-limit", `limits.${name} must be an integer of at least 1, found ${value}`, {
        hint: "correct the limit, or leave it out",
      });

  const call = toolCallMachine.provide({
    actions: {
      check: assign(({ context }) => ({ problem: problemOfCall(byName, context.call.name, context.call.input) ?? null })),
    },
    actors: { run: fromPromise<Json, { call: ToolCall }>(({ input, signal }) => runTool(byName, input.call, signal)) },
  });
  const specs = tools.map(({ name, description, input }) => ({ name, description, input }));
  const machine = turnMachine({
    tools,
    limits: { steps, parallel, toolTimeoutMs },
    asks: (made) => asks(approval, made, byName.get(made.name)),
  }).provide({ actors: { decide: decideWith({ model, tools: specs, replyTokens }), call } });
  return { model, tools, instructions, machine };
}

/** Of a call that `check` has passed, so there is such a tool. It gets a copy: what it does to its input does not change the conversation. */
async function runTool(tools: ReadonlyMap<string, Tool>, { id, name, input }: ToolCall, signal: AbortSignal): Promise<Json> {
  return tools.get(name)!.run(structuredClone(input), { signal, callId: id });
}

/** Fails safe: a policy that throws, or a call of no known tool, asks. */
function asks(approval: Approval, call: ToolCall, tool: Tool | undefined): boolean {
  if (approval === "never") return false;
  if (approval === "always" || !tool) return true;
  if (approval === "writes") return tool.effects === "write";
  try {
    return approval(call, tool) !== false;
  } catch {
    return true;
  }
}
