/**
 * A tool: what a model may call and what then runs. In: a definition with zod types or JSON Schemas. Out: a {@link Tool} whose schemas
 * are compiled. Law: `run` sees only input that the schema accepts, whatever the model is, and a copy that is its own.
 */
import { TOOL_NAME, type Json, type JsonObject, type JsonSchema, type ToolCall, type ToolSpec } from "@orrery/chat";
import { z } from "zod";
import { AgentError } from "./errors.ts";
import { copyJson } from "./json-value.ts";
import type { RunContext } from "./machines/chart-state.ts";
import { toolSchema } from "./tool-schema.ts";
import type { TraceOptions } from "./trace/span.ts";

/** What `when`, `narrow` and `accepts` may look at: the conversation, the steps so far, the chart's own facts. */
export type MoveContext = Pick<RunContext, "messages" | "steps" | "decisions" | "facts" | "untrusted">;

/** What a running tool is given besides its input. */
export interface ToolRun {
  /** Fires when the run is cancelled or the call has taken too long. A tool that ignores it does not hold the run. */
  readonly signal: AbortSignal;
  /** Unique within the conversation, and the same when a call is tried again: a key for work that must not happen twice. */
  readonly callId: string;
  /** Tells whoever watches the run how far the work is: a `tool-progress` event. */
  readonly progress: (value: Json) => void;
  /** Asks the person who watches the run about a call that the tool itself would make. Nobody there: false. */
  readonly approve: (call: ToolCall) => Promise<boolean>;
  /** For `trace` of an agent that the tool runs: its spans then stand below those of this call. Only where the run is traced. */
  readonly trace?: TraceOptions;
}

type ToolResult<T> = T | Promise<T> | AsyncGenerator<Json, T | undefined, undefined>;

/** `read` leaves the world as it is, `write` changes this machine, `external` reaches beyond it (sends, buys, calls). */
export type Effects = "read" | "write" | "external";

/** May a call run: at once, after a person said so, or not at all? */
export type Verdict = "allow" | "ask" | "deny";

/** How often a call that failed is tried, and after how long. */
export interface Retry {
  /** Attempts in all, 1 (default) … 10. */
  readonly attempts: number;
  /** Milliseconds before the second attempt, doubled before each further one. Default 200. */
  readonly delayMs?: number;
}

interface ToolBase {
  /** Letters, digits, `_`, `-`, `.`; at most 64. */
  readonly name: string;
  /** For the model: what it does, in a sentence. */
  readonly description: string;
  /** Default `read`. `write` and `external` wait for approval unless the agent's policy says otherwise. */
  readonly effects?: Effects;
  /** Are its results text that others wrote (web pages, mails, files of strangers)? They taint the run. Default `trusted`. */
  readonly trust?: "trusted" | "untrusted";
  /** Milliseconds that one attempt may take. Default: the agent's `limits.toolTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly retry?: Retry;
  /** The tool's own word on a call, where no rule of the agent's policy has one. */
  readonly approval?: Verdict | ((input: JsonObject) => Verdict);
  /** Is the tool a legal move now? Pure. Default: always. */
  readonly when?: (context: MoveContext) => boolean;
  /** A schema that further limits the input now, or false for "not now". Pure. Default: no limit. */
  readonly narrow?: (context: MoveContext) => JsonSchema | false;
  /**
   * What no schema can say about an input: true, or the reason why not, which goes back to the model. Pure. It is checked when the call
   * comes and is not part of the mask; prefer `narrow`.
   */
  readonly accepts?: (input: JsonObject, context: MoveContext) => true | string;
}

/** Input, and output if given, as zod types: `run` gets the parsed input and returns what `output` takes. */
export interface ZodToolDefinition<I extends z.ZodType, O> extends ToolBase {
  readonly input: I;
  /** What `run` returns is checked and parsed by it. Default: any JSON. */
  readonly output?: z.ZodType<Json | undefined, O>;
  /** A generator's yields are progress; what it returns is the result, or the yields themselves if it returns nothing. */
  readonly run: (input: z.output<I>, context: ToolRun) => ToolResult<O>;
}

/** Input, and output if given, as JSON Schemas (draft 2020-12); the input an object. */
export interface JsonToolDefinition extends ToolBase {
  readonly input: JsonSchema;
  readonly output?: JsonSchema;
  readonly run: (input: JsonObject, context: ToolRun) => ToolResult<Json | undefined | void>;
}

export interface Tool extends ToolSpec, Pick<ToolBase, "when" | "narrow" | "accepts" | "approval" | "timeoutMs" | "retry"> {
  readonly effects: Effects;
  readonly trust: "trusted" | "untrusted";
  /** What it promises to return, where it does. */
  readonly output?: JsonSchema;
  /** Parses the input and runs. @throws AgentError `tool/bad-input`, `tool/bad-output`; else what the tool throws */
  readonly run: (input: JsonObject, context: Pick<ToolRun, "signal" | "callId"> & Partial<ToolRun>) => Promise<Json>;
}

/**
 * @example
 * const add = tool({
 *   name: "add", description: "Adds two numbers.", input: z.object({ a: z.number(), b: z.number() }),
 *   run: ({ a, b }) => a + b,
 * });
 * @throws AgentError `agent/bad-tool` (name, limits, or an input that is not an object), `agent/bad-schema`
 */
export function tool<I extends z.ZodType, O = Json | undefined | void>(definition: ZodToolDefinition<I, O>): Tool;
export function tool(definition: JsonToolDefinition): Tool;
export function tool(definition: ZodToolDefinition<z.ZodType, unknown> | JsonToolDefinition): Tool {
  const { name, description, effects = "read", trust = "trusted", run, input, output, ...rest } = definition;
  if (!TOOL_NAME.test(name))
    throw new AgentError("agent/bad-tool", `'${name}' cannot be a tool's name`, { hint: "1 to 64 letters, digits, '_', '-' or '.'" });
  const takes = toolSchema(input, `the input of '${name}'`, "input");
  if (takes.schema["type"] !== "object")
    throw new AgentError("agent/bad-tool", `the input of '${name}' is of type ${JSON.stringify(takes.schema["type"])}, not an object`, {
      hint: "use z.object({ … }) or { type: 'object', properties: { … } }",
    });
  requireLimits(name, rest);
  const gives = output && toolSchema(output, `the output of '${name}'`, "input");
  return {
    name,
    description,
    input: takes.schema,
    effects,
    trust,
    ...rest,
    ...(gives ? { output: gives.schema } : {}),
    run: async (given, { progress = () => {}, approve = () => Promise.resolve(false), ...told }) => {
      const context = { ...told, progress, approve };
      const parsed = await takes.parse(given);
      if ("problem" in parsed) throw new AgentError("tool/bad-input", parsed.problem);
      const result = copyJson(await collect((run as JsonToolDefinition["run"])(parsed.value as JsonObject, context), context));
      if (!gives) return result;
      const checked = await gives.parse(result);
      if ("problem" in checked)
        throw new AgentError("tool/bad-output", `the output of '${name}' is not what it promises: ${checked.problem}`);
      return copyJson(checked.value);
    },
  };
}

function requireLimits(name: string, { timeoutMs, retry }: Pick<ToolBase, "timeoutMs" | "retry">): void {
  const wrong =
    timeoutMs !== undefined && !(timeoutMs > 0)
      ? "timeoutMs must be above 0"
      : retry && !(Number.isInteger(retry.attempts) && retry.attempts >= 1 && retry.attempts <= 10 && (retry.delayMs ?? 0) >= 0)
        ? "retry.attempts must be a whole number from 1 to 10, retry.delayMs at least 0"
        : undefined;
  if (wrong !== undefined)
    throw new AgentError("agent/bad-tool", `tool '${name}': ${wrong}`, { hint: "correct the limit, or leave it out" });
}

/** The result of a generator; what it yields is progress. */
async function collect(running: ReturnType<JsonToolDefinition["run"]>, { progress, signal }: ToolRun): Promise<unknown> {
  if (!isGenerator(running)) return running;
  const parts: Json[] = [];
  for (;;) {
    const { done, value } = await running.next();
    if (done) return value ?? (parts.every((part) => typeof part === "string") ? parts.join("") : parts);
    signal.throwIfAborted();
    const part = copyJson(value);
    parts.push(part);
    progress(part);
  }
}

function isGenerator(value: unknown): value is AsyncGenerator<Json, unknown, undefined> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
