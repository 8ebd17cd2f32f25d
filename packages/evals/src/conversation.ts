/** One evaluation conversation as it lies in a .jsonl file, and the same in our words. In: a line. Out: tools, messages, gold turns. */
import { readFileSync, statSync } from "node:fs";
import { jsonObjectSchema, OrreryError, type Json, type JsonObject, type Message, type ToolCall, type ToolSpec } from "@orrery/chat";
import { z } from "zod";

const FORM = "packages/evals/data/README.md describes the form, one conversation a line";

const call = z.object({ name: z.string(), arguments: jsonObjectSchema });

const lineSchema = z.object({
  id: z.string(),
  kind: z.string().default("other"),
  tools: z.array(
    z.object({ name: z.string(), description: z.string().default(""), parameters: jsonObjectSchema.default({ type: "object" }) }),
  ),
  messages: z.array(
    z.object({
      role: z.enum(["system", "user", "assistant", "tool"]),
      content: z.unknown().optional(),
      tool_calls: z.array(call).optional(),
      name: z.string().optional(),
    }),
  ),
});

export interface Conversation {
  readonly id: string;
  readonly kind: string;
  readonly tools: readonly ToolSpec[];
  readonly messages: readonly Message[];
}

/** @throws ZodError or SyntaxError for a line that is not of this form. */
export function parseConversation(line: string): Conversation {
  const file = lineSchema.parse(JSON.parse(line));
  const messages: Message[] = [];
  let callCount = 0;
  let open: ToolCall[] = [];
  for (const m of file.messages) {
    if (m.role === "system" || m.role === "user") messages.push({ role: m.role, content: String(m.content ?? "") });
    else if (m.role === "assistant") {
      const calls = (m.tool_calls ?? []).map((c) => ({ id: `call-${++callCount}`, name: c.name, input: c.arguments }));
      if (calls.length > 0) open = [...calls];
      messages.push({
        role: "assistant",
        ...(m.content === undefined || m.content === null ? {} : { content: String(m.content) }),
        ...(calls.length > 0 ? { calls } : {}),
      });
    } else {
      const at = Math.max(
        0,
        open.findIndex((c) => c.name === m.name),
      ); // results come in the order of the calls
      const [answered] = open.splice(at, 1);
      messages.push({
        role: "tool",
        callId: answered?.id ?? "call-0",
        name: m.name ?? answered?.name ?? "unknown",
        output: (m.content ?? null) as Json,
      });
    }
  }
  return {
    id: file.id,
    kind: file.kind,
    tools: file.tools.map((t) => ({ name: t.name, description: t.description, input: t.parameters })),
    messages,
  };
}

/** A limit as it is typed. @throws OrreryError `eval/bad-limit` */
export function conversationLimit(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new OrreryError("eval/bad-limit", `--limit is ${text}, expected a whole number of at least 1`, {
    hint: "leave it out to run every conversation",
  });
}

/**
 * The first `limit` conversations of a .jsonl file.
 * @throws OrreryError `eval/bad-file` when there is none that can be read; `eval/bad-line` with the number of the line
 */
export function readConversations(file: string | URL, limit: number): Conversation[] {
  const lines = readText(file)
    .split("\n")
    .map((text, i) => ({ text, number: i + 1 }))
    .filter(({ text }) => text.trim() !== "");
  if (lines.length === 0) throw badFile(file, "it holds no conversation");
  return lines.slice(0, limit).map(({ text, number }) => {
    try {
      return parseConversation(text);
    } catch (cause) {
      throw new OrreryError("eval/bad-line", `${String(file)}, line ${number} is not an evaluation conversation`, { hint: FORM, cause });
    }
  });
}

function readText(file: string | URL): string {
  try {
    if (!statSync(file).isFile()) throw new Error("it is no file"); // a pipe would never end
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw badFile(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function badFile(file: string | URL, why: string, cause?: unknown): OrreryError {
  return new OrreryError("eval/bad-file", `${String(file)} cannot be read as conversations: ${why}`, { hint: FORM, cause });
}

/** A turn to be scored: the history before it and what the reference did. */
export interface GoldTurn {
  readonly history: readonly Message[];
  readonly calls: readonly { readonly name: string; readonly input: JsonObject }[];
  readonly text: string;
}

/** Every assistant message of a conversation, with the reference history before it. */
export function goldTurns(conversation: Conversation): GoldTurn[] {
  return conversation.messages.flatMap((message, i) =>
    message.role === "assistant"
      ? [{ history: conversation.messages.slice(0, i), calls: message.calls ?? [], text: message.content ?? "" }]
      : [],
  );
}
