/**
 * Agents that work together. In: members. Out: a chart in which one hands the conversation over to another; or, of an agent, a tool that
 * another agent calls. Law: who may hand over to whom is in the chart, so it is in the mask; what an agent may do alone it may do as a
 * tool, and nothing more: its calls are put to the same person.
 */
import type { Json } from "@orrery/chat";
import type { Agent } from "../agent.ts";
import { agentChart, type AgentChart, type ChartOptions } from "../chart.ts";
import { AgentError } from "../errors.ts";
import { phase, type Exit } from "../machines/phase.ts";
import { run } from "../run.ts";
import { tool, type Effects, type Tool } from "../tool.ts";

export interface Member {
  /** For the others: what this member is for. */
  readonly description: string;
  /** Told when the conversation comes to it. */
  readonly instructions: string;
  readonly tools?: readonly Tool[];
  /** To whom it may hand over. Default nobody. */
  readonly handoffs?: readonly string[];
  /** May it answer the user? Default true. */
  readonly answer?: boolean;
}

export interface TeamOptions extends Pick<ChartOptions, "limits" | "approval"> {
  /** By name; the first begins. */
  readonly members: Readonly<Record<string, Member>>;
}

/**
 * One conversation, several members, one at a time: `transfer_to_<name>` is the move that hands over.
 * @throws AgentError as {@link agentChart}
 */
export function teamChart({ members, limits, approval }: TeamOptions): AgentChart {
  const tools = new Map(Object.values(members).flatMap(({ tools = [] }) => tools.map((one) => [one.name, one] as const)));
  const states = Object.entries(members).map(([name, { instructions, tools = [], handoffs = [], answer = true }]) => {
    const exits = Object.fromEntries(handoffs.map((to) => [`transfer_to_${to}`, handoff(to, members)]));
    return [name, phase({ instructions, tools: tools.map((one) => one.name), exits, answer })] as const;
  });
  return agentChart({
    tools: [...tools.values()],
    states: Object.fromEntries(states),
    ...(limits === undefined ? {} : { limits }),
    ...(approval === undefined ? {} : { approval }),
  });
}

function handoff(to: string, members: TeamOptions["members"]): Exit {
  return { target: to, description: `Hand over to ${to}: ${members[to]?.description ?? ""}` };
}

export interface AgentToolOptions {
  readonly name: string;
  readonly description: string;
  /** Default: the strongest of the agent's tools. */
  readonly effects?: Effects;
}

const STRENGTH: readonly Effects[] = ["read", "write", "external"];

/**
 * An agent as a tool of another, which so becomes a supervisor. Its input is a task, its output the answer. Calls that need a person's
 * word are put to the person who watches the supervisor's run. Results are untrusted where one of the agent's tools is.
 */
export function agentTool<Output>(agent: Agent<Output>, { name, description, effects }: AgentToolOptions): Tool {
  const strongest = Math.max(0, ...agent.tools.map((one) => STRENGTH.indexOf(one.effects)));
  return tool({
    name,
    description,
    effects: effects ?? STRENGTH[strongest]!,
    approval: "allow", // its own calls ask
    trust: agent.tools.some(({ trust }) => trust === "untrusted") ? "untrusted" : "trusted",
    input: {
      type: "object",
      properties: { task: { type: "string", description: "What is to be done, in a sentence.", minLength: 1 } },
      required: ["task"],
      additionalProperties: false,
    },
    run: async ({ task }, { signal, approve, progress }) => {
      const result = await run(agent, String(task), {
        signal,
        approve,
        onEvent: (event) => {
          if (event.type === "move") progress({ tool: event.call.name, input: event.call.input });
        },
      });
      if (result.status === "answered") return result.output as Json;
      throw result.error ?? new AgentError("tool/failed", `${name} ended ${result.status} in state ${JSON.stringify(result.state)}`);
    },
  });
}
