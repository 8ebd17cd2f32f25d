/**
 * A tool: what a model may call and what then runs. In: a definition with a zod object or a JSON Schema. Out: a {@link Tool} whose
 * schema is compiled. Law: `run` sees only input that the schema accepts, whatever the model is, and a copy that is its own.
 */
import { TOOL_NAME, type Json, type JsonObject, type JsonSchema, type ToolSpec } from "@orrery/chat";
import { z } from "zod";
import { AgentError, errorFacts } from "./errors.ts";
import { copyJson } from "./json-value.ts";
import type { TurnContext } from "./machines/turn-state.ts";
import { compileSchema, problemOf, requireDraft } from "./schema.ts";

/** What `when` and `narrow` may look at: the conversation, the steps of this turn, the decisions so far. */
export type MoveContext = Pick<TurnContext, "messages" | "steps" | "decisions">;

/** What a running tool is given besides its input. */
export interface ToolRun {
  /** Fires when the run is cancelled or the call has taken too long. A tool that ignores it does not hold the run. */
  readonly signal: AbortSignal;
  /** Unique within the conversation; a key for work that must not happen twice. */
  readonly callId: string;
}

type ToolResult = Json | undefined | void;

interface ToolBase {
  /** Letters, digits, `_`, `-`, `.`; at most 64. */
  readonly name: string;
  /** For the model: what it does, in a sentence. */
  readonly description: string;
  /** `read` (default) leaves the world as it is; `write` changes it and, by default, waits for approval. */
  readonly effects?: "read" | "write";
  /** Is the tool a legal move now? Pure. Default: always. */
  readonly when?: (context: MoveContext) => boolean;
  /** A schema that further limits the input now, or false for "not now". Pure. Default: no limit. */
  readonly narrow?: (context: MoveContext) => JsonSchema | false;
}

/** Input as a zod object: `run` gets the parsed type. */
export interface ZodToolDefinition<I extends z.ZodType> extends ToolBase {
  readonly input: I;
  readonly run: (input: z.output<I>, context: ToolRun) => ToolResult | Promise<ToolResult>;
}

/** Input as a JSON Schema of an object (draft 2020-12). */
export interface JsonToolDefinition extends ToolBase {
  readonly input: JsonSchema;
  readonly run: (input: JsonObject, context: ToolRun) => ToolResult | Promise<ToolResult>;
}

export interface Tool extends ToolSpec {
  readonly effects: "read" | "write";
  readonly when: ToolBase["when"];
  readonly narrow: ToolBase["narrow"];
  /** Parses the input and runs; the input has passed the schema. @throws AgentError `tool/bad-input`, `tool/bad-output`; else what the tool throws */
  readonly run: (input: JsonObject, context: ToolRun) => Promise<Json>;
}

/**
 * @example
 * const add = tool({
 *   name: "add", description: "Adds two numbers.", input: z.object({ a: z.number(), b: z.number() }),
 *   run: ({ a, b }) => a + b,
 * });
 * @throws AgentError `agent/bad-tool` (name, or an input that is not an object), `agent/bad-schema`
 */
export function tool<I extends z.ZodType>(definition: ZodToolDefinition<I>): Tool;
export function tool(definition: JsonToolDefinition): Tool;
export function tool(definition: ZodToolDefinition<z.ZodType> | JsonToolDefinition): Tool {
  const { name, description, effects = "read", when, narrow } = definition;
  if (!TOOL_NAME.test(name))
    throw new AgentError("agent/bad-tool", `'${name}' cannot be a tool's name`, { hint: "1 to 64 letters, digits, '_', '-' or '.'" });
  const input = isZod(definition) ? schemaOf(name, definition.input) : definition.input;
  if (input["type"] !== "object")
    throw new AgentError("agent/bad-tool", `the input of '${name}' is of type ${JSON.stringify(input["type"])}, not an object`, {
      hint: "use z.object({ … }) or { type: 'object', properties: { … } }",
    });
  if (!isZod(definition)) requireDraft(input);
  compileSchema(input);
  const run = isZod(definition) ? parsed(definition) : definition.run;
  return {
    name,
    description,
    input,
    effects,
    when,
    narrow,
    run: async (given, context) => copyJson(await run(given, context)),
  };
}

function isZod(definition: ZodToolDefinition<z.ZodType> | JsonToolDefinition): definition is ZodToolDefinition<z.ZodType> {
  return definition.input instanceof z.ZodType;
}

function schemaOf(name: string, input: z.ZodType): JsonSchema {
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input" });
    return schema as JsonSchema;
  } catch (thrown) {
    throw new AgentError("agent/bad-tool", `the input of '${name}' cannot be written as JSON Schema: ${errorFacts(thrown, "").message}`, {
      hint: "a model writes JSON: no dates, maps, functions or bigints in a tool's input",
      cause: thrown,
    });
  }
}

/** zod's own parse after the schema: defaults, transforms, and refinements that a schema cannot say. */
function parsed({ input, run }: ZodToolDefinition<z.ZodType>): JsonToolDefinition["run"] {
  return async (given, context) => {
    const result = await parse(input, given);
    if (result.success) return run(result.data, context);
    const issue = result.error.issues[0];
    throw new AgentError("tool/bad-input", `${issue?.path.length ? `${issue.path.join(".")}: ` : ""}${issue?.message ?? "is not valid"}`);
  };
}

/** Without a promise where the schema has none: five times faster. */
function parse(input: z.ZodType, given: JsonObject): z.ZodSafeParseResult<unknown> | Promise<z.ZodSafeParseResult<unknown>> {
  try {
    return input.safeParse(given);
  } catch (thrown) {
    if (thrown instanceof z.core.$ZodAsyncError) return input.safeParseAsync(given);
    throw thrown;
  }
}

/** What is wrong with a call of one of `tools`, or undefined. */
export function problemOfCall(tools: ReadonlyMap<string, Tool>, name: string, input: JsonObject): string | undefined {
  const called = tools.get(name);
  return called ? problemOf(called.input, input) : `there is no tool '${name}'`;
}
