/**
 * Tools that answer from a list. In: the tools of an agent, and what each call of them is to give. Out: the same tools without their
 * effects, and what was called. Law: a call that the script does not expect fails the call and, since a model may go on after that, also
 * `assertComplete`.
 */
import type { Json, JsonObject } from "@orrery/chat";
import { AgentError } from "../errors.ts";
import { problemOf } from "../schema.ts";
import type { Tool } from "../tool.ts";
import { differences, isSame } from "./differences.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** One call that is expected, and how it ends. Entries of one tool are used in their order. */
export interface ScriptedCall {
  readonly tool: string;
  /** The input that it must have. Default: any that the tool's schema allows. */
  readonly input?: JsonObject;
  /** What it gives; a function may look at the input. Default null. */
  readonly output?: Json | ((input: JsonObject) => Json);
  /** It fails instead, with this message. */
  readonly fail?: string;
  /** Told on the way. */
  readonly progress?: readonly Json[];
  /** How long it takes, by the clock of the options. Default: no time. */
  readonly ms?: number;
}

/** A call as it came. */
export interface RecordedCall {
  readonly tool: string;
  readonly callId: string;
  readonly input: JsonObject;
}

export interface ScriptedTools {
  readonly tools: readonly Tool[];
  /** Every call so far, in order; of a call that is tried again, every attempt. */
  readonly calls: readonly RecordedCall[];
  /** @throws AgentError `agent/unexpected-call` for the first call that was not in the script, `agent/script-unused` for entries left */
  assertComplete(): void;
}

/**
 * @example
 * const world = scriptedTools([readFile, editFile], [
 *   { tool: "read_file", input: { path: "a.txt" }, output: "hello" },
 *   { tool: "edit_file", fail: "the disk is full" },
 * ]);
 * await run(createAgent({ model, tools: world.tools }), "…");
 * world.assertComplete();
 * @throws AgentError `agent/bad-script` for an entry whose tool is not there, whose input that tool refuses, or that takes time without a clock
 */
export function scriptedTools(
  tools: readonly Tool[],
  script: readonly ScriptedCall[],
  { clock }: { readonly clock?: SimulatedClock } = {},
): ScriptedTools {
  script.forEach((entry, i) => requireEntry(entry, i, tools, clock));
  const left = new Set(script);
  const calls: RecordedCall[] = [];
  let unexpected: AgentError | undefined;

  const take = (tool: string, input: JsonObject): ScriptedCall => {
    const entry = [...left].find((one) => one.tool === tool);
    const problem = !entry
      ? `call ${calls.length} is '${tool}' with ${JSON.stringify(input)}, and the script has no more of that tool`
      : entry.input !== undefined && !isSame(entry.input, input)
        ? `call ${calls.length} of '${tool}' differs from the script: ${differences(entry.input, input).join("; ")}`
        : undefined;
    if (problem === undefined) {
      left.delete(entry!);
      return entry!;
    }
    const error = new AgentError("agent/unexpected-call", problem, {
      hint: "add the call to the script, or find out why the agent makes it",
    });
    unexpected ??= error;
    throw error;
  };

  return {
    calls,
    tools: tools.map((tool) => ({
      ...tool,
      run: async (input, { callId, signal, progress = () => {} }) => {
        calls.push({ tool: tool.name, callId, input: structuredClone(input) });
        const problem = problemOf(tool.input, input);
        if (problem !== undefined) throw new AgentError("tool/bad-input", problem);
        const { output = null, fail, progress: told = [], ms } = take(tool.name, input);
        for (const value of told) progress(structuredClone(value));
        if (ms !== undefined) await clock?.sleep(ms, signal);
        if (fail !== undefined) throw new AgentError("tool/failed", fail);
        return structuredClone(typeof output === "function" ? output(input) : output);
      },
    })),
    assertComplete() {
      if (unexpected) throw unexpected;
      if (left.size > 0)
        throw new AgentError(
          "agent/script-unused",
          `${left.size} of ${script.length} scripted calls were not made, the first: ${[...left][0]!.tool}`,
          { hint: "remove the spare entries, or find out why the run ended early" },
        );
    },
  };
}

function requireEntry({ tool: name, input, ms }: ScriptedCall, i: number, tools: readonly Tool[], clock: SimulatedClock | undefined): void {
  const tool = tools.find((one) => one.name === name);
  const refused = tool && input && problemOf(tool.input, input);
  const problem = !tool
    ? `names the tool '${name}', which is not there; there are ${tools.map((one) => one.name).join(", ") || "none"}`
    : refused !== undefined
      ? `has an input that '${name}' refuses: ${refused}`
      : ms !== undefined && !clock
        ? "takes time, and there is no clock"
        : undefined;
  if (problem !== undefined)
    throw new AgentError("agent/bad-script", `entry ${i} of the script ${problem}`, {
      hint: "name a tool of the list and an input of its schema; `ms` needs { clock }",
    });
}
