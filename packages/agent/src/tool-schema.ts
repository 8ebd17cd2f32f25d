/**
 * What a tool takes and gives, as a schema. In: a zod type or a JSON Schema. Out: the JSON Schema that everybody reads, and a parse.
 * Law: the schema is compiled by ajv once; zod parses after it: defaults, transforms, and refinements that a schema cannot say.
 */
import type { Json, JsonSchema } from "@orrery/chat";
import { z } from "zod";
import { AgentError, errorFacts } from "./errors.ts";
import { compileSchema, problemOf, requireDraft } from "./schema.ts";

export interface ToolSchema {
  readonly schema: JsonSchema;
  /** What is wrong with a value, or the value as the definition's author wants it. */
  readonly parse: (value: Json) => Promise<{ readonly problem: string } | { readonly value: unknown }>;
}

/**
 * @param whose for messages, e.g. "the input of 'add'"
 * @throws AgentError `agent/bad-tool`, `agent/bad-schema`
 */
export function toolSchema(definition: z.ZodType | JsonSchema, whose: string, io: "input" | "output"): ToolSchema {
  const schema = definition instanceof z.ZodType ? schemaOf(definition, whose, io) : definition;
  if (!(definition instanceof z.ZodType)) requireDraft(schema);
  compileSchema(schema);
  return {
    schema,
    parse: async (value) => {
      const problem = problemOf(schema, value);
      if (problem !== undefined) return { problem };
      if (!(definition instanceof z.ZodType)) return { value };
      const result = await parse(definition, value);
      if (result.success) return { value: result.data };
      const issue = result.error.issues[0];
      return { problem: `${issue?.path.length ? `${issue.path.join(".")}: ` : ""}${issue?.message ?? "is not valid"}` };
    },
  };
}

function schemaOf(type: z.ZodType, whose: string, io: "input" | "output"): JsonSchema {
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(type, { io });
    return schema as JsonSchema;
  } catch (thrown) {
    throw new AgentError("agent/bad-tool", `${whose} cannot be written as JSON Schema: ${errorFacts(thrown, "").message}`, {
      hint: "a model writes JSON: no dates, maps, functions or bigints",
      cause: thrown,
    });
  }
}

/** Without a promise where the schema has none: five times faster. */
function parse(type: z.ZodType, given: Json): z.ZodSafeParseResult<unknown> | Promise<z.ZodSafeParseResult<unknown>> {
  try {
    return type.safeParse(given);
  } catch (thrown) {
    if (thrown instanceof z.core.$ZodAsyncError) return type.safeParseAsync(given);
    throw thrown;
  }
}
