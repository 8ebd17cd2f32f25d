/**
 * One tool of a server as a tool of an agent. In: what the server says of it, and a way to call it. Out: the tool, or the reason why it
 * cannot be one. Law: nothing of what a server says is believed but its hints, and those only as far as `effects` lets them; what its
 * tools return is text that others wrote.
 */
import type { CallToolResult, ProgressCallback } from "@modelcontextprotocol/client";
import { jsonObjectSchema, OrreryError, type Json, type JsonObject, type JsonSchema, type ToolSpec } from "@orrery/chat";
import { tool, type Effects, type Tool, type ToolRun } from "@orrery/agent";
import { z } from "zod";
import { toDraft2020 } from "./dialect.ts";
import { callFailed, short } from "./errors.ts";
import { outputOf } from "./result.ts";

/** What a server says of its tool's effects. It may be mistaken, or lie. */
export interface ToolHints {
  readonly readOnlyHint?: boolean | undefined;
  readonly destructiveHint?: boolean | undefined;
  readonly idempotentHint?: boolean | undefined;
  readonly openWorldHint?: boolean | undefined;
}

/** How the tools of a server are taken. */
export interface ToolOptions {
  /**
   * What a tool does to the world, by its name there and the server's hints. Default {@link effectsOf}, which believes the hints; for a
   * server that you do not trust, `() => "external"` makes every call wait for approval.
   */
  readonly effects?: (name: string, hints: ToolHints) => Effects;
  /** A further test of each tool, e.g. whether the constraint engine takes its schema: a reason not to take it, or a throw of one. */
  readonly check?: (spec: ToolSpec) => string | undefined | void;
  /** Milliseconds that one call may take. Default: the agent's `limits.toolTimeoutMs`. */
  readonly callTimeoutMs?: number;
  /** Longer text is cut; longer structured content is an error. Default 50,000. */
  readonly maxResultCharacters?: number;
}

export interface Calling {
  readonly name: string;
  readonly input: JsonObject;
  /** The server's own schema. */
  readonly schema: JsonSchema;
  readonly signal: AbortSignal;
  readonly onprogress: ProgressCallback;
}

/** Makes a call to the server. */
export type CallServer = (calling: Calling) => Promise<CallToolResult>;

/**
 * A tool that only reads is `read`. Any other is `write` where the server says that its world is closed, else `external`: the hints that
 * are left out count as the worst, as the protocol has it.
 */
export function effectsOf(_name: string, { readOnlyHint = false, openWorldHint = true }: ToolHints): Effects {
  return readOnlyHint ? "read" : openWorldHint ? "external" : "write";
}

const DEFAULT_MAX_RESULT = 50_000;
/** For the model, which reads every tool in every prompt. */
const MAX_DESCRIPTION = 1_000;
const MAX_PROGRESS_MESSAGE = 200;
/** Of one call; a server that tells more is not heard. */
const MAX_PROGRESS = 1_000;

const hint = z.boolean().optional().catch(undefined);
const described = z.object({
  name: z.string().min(1).max(256),
  title: z.string().optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  inputSchema: jsonObjectSchema,
  outputSchema: jsonObjectSchema.optional().catch(undefined),
  annotations: z
    .object({
      title: z.string().optional().catch(undefined),
      readOnlyHint: hint,
      destructiveHint: hint,
      idempotentHint: hint,
      openWorldHint: hint,
    })
    .optional()
    .catch(undefined),
  execution: z.object({ taskSupport: z.string().optional() }).optional().catch(undefined),
});

/** What a server says of a tool, as far as it can be read. */
export type Described = z.infer<typeof described>;

/** The description, or why it is none. */
export function readTool(raw: unknown): Described | { readonly reason: string } {
  const read = described.safeParse(raw);
  if (!read.success) {
    const issue = read.error.issues[0];
    return { reason: `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "is not valid"}` };
  }
  if (read.data.execution?.taskSupport === "required") return { reason: "it runs only as a task of the protocol, which is not supported" };
  return read.data;
}

/** @throws OrreryError, RangeError, TypeError with the reason why it cannot be a tool */
export function toolOf(name: string, from: Described, call: CallServer, options: ToolOptions): Tool {
  const { effects = effectsOf, check, callTimeoutMs, maxResultCharacters = DEFAULT_MAX_RESULT } = options;
  const description = short((from.description ?? from.title ?? from.annotations?.title ?? "").trim(), MAX_DESCRIPTION);
  const input = objectSchema(toDraft2020(from.inputSchema));
  const definition = {
    name,
    description,
    input,
    effects: effects(from.name, from.annotations ?? {}),
    trust: "untrusted" as const,
    ...(callTimeoutMs === undefined ? {} : { timeoutMs: callTimeoutMs }),
    run: async (given: JsonObject, { signal, progress }: ToolRun): Promise<Json> => {
      let told = 0;
      const onprogress: ProgressCallback = (news) => {
        if (told++ < MAX_PROGRESS) progress(progressOf(news));
      };
      const called = call({ name: from.name, input: given, schema: from.inputSchema, signal, onprogress });
      const result = await called.catch((thrown: unknown) => {
        if (signal.aborted) throw signal.reason;
        throw callFailed(from.name, thrown);
      });
      return outputOf(from.name, result, maxResultCharacters);
    },
  };
  const reason = check?.({ name, description, input });
  if (typeof reason === "string") throw new TypeError(reason);
  const output = from.outputSchema && orNothing(() => toDraft2020(from.outputSchema));
  // An output schema that nobody can check promises nothing; the tool works all the same.
  return (output && orNothing(() => tool({ ...definition, output }))) ?? tool(definition);
}

/** Arguments are an object, even where a server forgets to say so. @throws TypeError */
function objectSchema(schema: JsonSchema): JsonSchema {
  if (schema["type"] === undefined) return { type: "object", ...schema };
  if (schema["type"] !== "object") throw new TypeError(`its input is of type ${JSON.stringify(schema["type"])}, not an object`);
  return schema;
}

function progressOf({ progress, total, message }: Parameters<ProgressCallback>[0]): Json {
  return {
    progress,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: short(message, MAX_PROGRESS_MESSAGE) }),
  };
}

function orNothing<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof OrreryError || thrown instanceof TypeError || thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}
