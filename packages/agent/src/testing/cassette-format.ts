/**
 * The cassette: a real run as JSON lines. In and out: lines. Law: what is read is checked as a whole before a run sees it; a file that
 * is not ours, is cut or lies about a stream is a typed error with its line, never half a run.
 *
 *     {"format":"orrery-cassette/1"}
 *     {"type":"reply","model":{…},"request":{…},"events":[…]}      a request holds only what differs from the one before
 *     {"type":"call","tool":"…","callId":"…","input":{…},"progress":[…],"output":…}
 */
import { jsonObjectSchema, messageSchema, toolCallSchema, type ChatEvent, type ChatRequest, type Json, type Message } from "@orrery/chat";
import { z } from "zod";
import { AgentError, errorFrom, type ErrorFacts } from "../errors.ts";
import { isSame } from "./differences.ts";

const FORMAT = "orrery-cassette/1";
/** What a test can reasonably keep in a repository, many times over; a larger file would fill the memory. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
/** Nothing that a model writes or a tool returns lies deeper; what walks values would overflow the stack. */
const MAX_DEPTH = 200;

/** What a request asks, as JSON: all of it but the signal. */
export type Asked = Omit<ChatRequest, "signal">;

export interface ReplyEntry {
  readonly type: "reply";
  readonly line: number;
  readonly model: { readonly id: string; readonly contextLength: number };
  readonly request: Asked;
  readonly events: readonly ChatEvent[];
  /** What the model threw after these events. */
  readonly thrown?: ErrorFacts | undefined;
  /** Nobody read on. */
  readonly cut?: boolean | undefined;
}

export interface CallEntry {
  readonly type: "call";
  readonly line: number;
  readonly tool: string;
  readonly callId: string;
  readonly input: z.infer<typeof jsonObjectSchema>;
  readonly progress: readonly Json[];
  readonly output?: Json | undefined;
  readonly error?: ErrorFacts | undefined;
  /** It had not ended when the run no longer waited for it. */
  readonly cut?: boolean | undefined;
}

export function headerLine(): string {
  return `${JSON.stringify({ format: FORMAT })}\n`;
}

/** `before` is the request of the reply line before, for which the file need not repeat itself. */
export function replyLine(entry: Omit<ReplyEntry, "line" | "type">, before: Asked | undefined): string {
  return `${JSON.stringify({ ...entry, type: "reply", request: packed(entry.request, before) })}\n`;
}

export function callLine(entry: Omit<CallEntry, "line" | "type">): string {
  return `${JSON.stringify({ ...entry, type: "call" })}\n`;
}

/** A request as JSON has it: no signal, nothing undefined, nothing shared. */
export function asked({ signal: _signal, ...request }: ChatRequest): Asked {
  return JSON.parse(JSON.stringify(request)) as Asked;
}

const OTHERS = ["tools", "moves", "thinking", "sampling", "maxTokens"] as const;

function packed(request: Asked, before: Asked = { messages: [] }): Json {
  const { messages } = request;
  let keep = 0;
  while (keep < messages.length && isSame(jsonOf(messages[keep]), jsonOf(before.messages[keep]))) keep++;
  const same = OTHERS.filter((key) => request[key] !== undefined && isSame(jsonOf(request[key]), jsonOf(before[key])));
  const changed = Object.fromEntries(OTHERS.filter((key) => !same.includes(key)).map((key) => [key, request[key]]));
  return { keep, messages: messages.slice(keep), same, ...changed } as unknown as Json;
}

/** What was made by {@link asked} is JSON, whatever its type. */
function jsonOf(value: unknown): Json | undefined {
  return value as Json | undefined;
}

const json = z.json() as z.ZodType<Json>;
const count = z.int().nonnegative();
const amount = z.number().nonnegative();
const facts = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }) as z.ZodType<ErrorFacts>;
const usage = z.object({ promptTokens: count, cachedTokens: count, computedTokens: count, replyTokens: count, forcedTokens: count });
const stats = z.object({
  maskedMass: amount,
  maskedMassMax: amount,
  sampledTokens: count,
  firstTokenMs: amount,
  totalMs: amount,
  precision: z.object({ low: count, full: count, rechecked: count }).optional(),
});
const event = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["text-delta", "reasoning-delta"]), text: z.string() }),
  z.object({ type: z.literal("tool-call-delta"), id: z.string(), name: z.string(), text: z.string() }),
  z.object({ type: z.literal("tool-call"), call: toolCallSchema }),
  z.object({
    type: z.literal("finish"),
    reason: z.enum(["stop", "tool-calls", "length", "aborted", "error"]),
    usage,
    stats,
    error: facts.optional(),
  }),
]);
const request = z.object({
  keep: count,
  messages: z.array(messageSchema),
  same: z.array(z.enum(OTHERS)),
  tools: z.array(z.object({ name: z.string(), description: z.string(), input: jsonObjectSchema })).optional(),
  moves: z
    .object({
      answer: z.union([z.boolean(), z.object({ schema: jsonObjectSchema })]),
      calls: z.array(z.object({ name: z.string(), input: jsonObjectSchema, alone: z.boolean().optional() })),
      parallel: count,
    })
    .optional(),
  thinking: z.boolean().optional(),
  sampling: jsonObjectSchema.optional(),
  maxTokens: count.optional(),
});
const reply = z
  .object({
    type: z.literal("reply"),
    model: z.object({ id: z.string(), contextLength: z.int().positive() }),
    request,
    events: z.array(event),
    thrown: facts.optional(),
    cut: z.boolean().optional(),
  })
  .refine(({ events, thrown, cut }) => {
    const finishes = events.filter(({ type }) => type === "finish").length;
    return thrown || cut ? finishes === 0 : finishes === 1 && events.at(-1)?.type === "finish";
  }, "a stream ends with exactly one finish");
const call = z
  .object({
    type: z.literal("call"),
    tool: z.string(),
    callId: z.string(),
    input: jsonObjectSchema,
    progress: z.array(json),
    output: json.optional(),
    error: facts.optional(),
    cut: z.boolean().optional(),
  })
  .refine(
    ({ output, error, cut }) => Number(output !== undefined) + Number(error !== undefined) + Number(cut === true) === 1,
    "a call has an output, an error or a cut",
  );
const entry = z.discriminatedUnion("type", [reply, call]);

/** @throws AgentError `agent/bad-cassette` */
export async function readCassette(source: AsyncIterable<string | Uint8Array>): Promise<readonly (ReplyEntry | CallEntry)[]> {
  const lines = (await textOf(source)).split("\n");
  if (lines.pop() !== "") throw bad(lines.length + 1, "the last line is cut");
  const first = parsed(lines[0] ?? "", 1);
  if (!z.object({ format: z.literal(FORMAT) }).safeParse(first).success) throw bad(1, `it does not say {"format":"${FORMAT}"}`);
  let before: Asked = { messages: [] };
  return lines.slice(1).map((text, i): ReplyEntry | CallEntry => {
    const line = i + 2;
    const read = entry.safeParse(parsed(text, line));
    if (!read.success) {
      const issue = read.error.issues[0];
      throw bad(line, `${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "is not valid"}`);
    }
    if (read.data.type === "call") return { ...read.data, line };
    before = unpacked(read.data.request, before, line);
    return { ...read.data, line, request: before, events: read.data.events.map(revived) };
  });
}

function unpacked({ keep, same, messages, ...others }: z.infer<typeof request>, before: Asked, line: number): Asked {
  if (keep > before.messages.length) throw bad(line, `request.keep: ${keep} of ${before.messages.length} messages`);
  const kept = Object.fromEntries(same.map((key) => [key, before[key]]));
  return asked({ ...kept, ...others, messages: [...before.messages.slice(0, keep), ...(messages as readonly Message[])] } as ChatRequest);
}

function revived(read: z.infer<typeof event>): ChatEvent {
  if (read.type !== "finish") return read;
  const { error, ...finish } = read;
  return { ...finish, ...(error ? { error: errorFrom(error) } : {}) } as ChatEvent;
}

async function textOf(source: AsyncIterable<string | Uint8Array>): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  try {
    for await (const part of source) {
      text += typeof part === "string" ? part : decoder.decode(part, { stream: true });
      if (text.length > MAX_CHARACTERS) throw bad(undefined, `it has more than ${MAX_CHARACTERS} characters`);
    }
    return text + decoder.decode();
  } catch (thrown) {
    if (thrown instanceof AgentError) throw thrown;
    throw bad(undefined, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

function parsed(text: string, line: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (isDeeper(value, MAX_DEPTH)) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
    return value;
  } catch (thrown) {
    throw bad(line, (thrown as Error).message, thrown);
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function bad(line: number | undefined, message: string, cause?: unknown): AgentError {
  return new AgentError("agent/bad-cassette", `this is not a recorded run${line === undefined ? "" : `, line ${line}`}: ${message}`, {
    hint: "pass the file that `record` wrote, as it was; record the run again if it is damaged",
    cause,
  });
}
