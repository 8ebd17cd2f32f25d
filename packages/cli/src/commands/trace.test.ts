import { createAgent, jsonLines, resume, run, tool, type Span } from "@orrery/agent";
import type { ChatModel } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import fc from "fast-check";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Outside } from "../testing/outside.ts";
import { spanRows } from "../view/span-rows.ts";
import { createStyle } from "../view/style.ts";
import { traceLines } from "../view/trace-lines.ts";
import { columns } from "../view/width.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "orrery-trace-"))));
afterEach(() => rm(folder, { recursive: true }));

const call = (name: string, input = {}): ScriptedReply => ({ calls: [{ name, input }] });
const read = tool({ name: "read", description: "", input: { type: "object" }, run: () => "text" });
const write = tool({
  name: "write",
  description: "",
  effects: "write",
  input: { type: "object" },
  run: () => Promise.reject(new Error("full")),
});

const counting = (model: ChatModel): ChatModel => ({
  ...model,
  async *stream(request) {
    for await (const event of model.stream(request))
      yield event.type === "finish"
        ? { ...event, usage: { promptTokens: 120, cachedTokens: 80, computedTokens: 40, replyTokens: 14, forcedTokens: 6 } }
        : event;
  },
});

/** A run that reads, is refused, waits, and is resumed. */
async function recorded(): Promise<string> {
  const path = join(folder, "run.jsonl");
  const spans = jsonLines(path);
  const agent = createAgent({
    model: counting(scriptedModel([call("read"), call("nothing"), call("write"), "done"])),
    tools: [read, write],
  });
  const trace = { onSpan: spans, agent: "writer" };
  const { snapshot } = await run(agent, "go", { trace });
  await resume(agent, snapshot!, {}, { trace, approve: () => true });
  await spans.close();
  return path;
}

async function shown(args: readonly string[]) {
  const outside = new Outside(scriptedModel([]), folder);
  const code = await cli(["trace", ...args], outside.host);
  return { code, out: outside.out, err: outside.err };
}

test("a run is a tree of what was chosen among what was legal, of calls, waits and errors", async () => {
  const { code, out, err } = await shown([await recorded()]);
  expect([code, err]).toEqual([EXIT.ok, ""]);
  const [trace, summary, tokens, titles, ...rows] = out.trimEnd().split("\n");
  expect(trace).toMatch(/^trace [0-9a-f]{32} {2}answered$/);
  expect(summary).toMatch(/2 stretches with .* between · 4 decisions, 1 illegal$/);
  expect(tokens).toBe("2 calls · 2 errors · 480 prompt tokens, 320 reused · 56 reply tokens, 24 forced");
  expect(titles).toMatch(/^ +time +tokens +took$/);
  expect(
    rows.map((row) =>
      row
        .slice(11)
        .replace(/ +[\d.]+ (ms|s)$/, "")
        .replace(/(\S) {2,}/g, "$1  "),
    ),
  ).toEqual([
    "run writer · scripted  waiting  360 → 42",
    "└─ turn",
    "   ├─ ◆ read  of read, write, answer  120 → 14",
    "   ├─ ▸ read",
    "   ├─ ◆ (unknown)  ✗ agent/illegal-move  of read, write,…  120 → 14",
    "   ├─ ◆ write  of read, write, answer  120 → 14",
    "   └─ ? write  pending",
    "resumed writer · scripted  answered  120 → 14",
    "└─ turn",
    "   ├─ ? write  granted",
    "   ├─ ▸ write  ✗ tool/failed",
    "   └─ ◆ answer  of read, write, answer  120 → 14",
  ]);
});

test("--json has the summary and the rows of each trace", async () => {
  const { out } = await shown([await recorded(), "--json"]);
  const { traces, problems } = JSON.parse(out) as { traces: Record<string, unknown>[]; problems: unknown[] };
  expect(problems).toEqual([]);
  expect(traces).toEqual([
    expect.objectContaining({
      status: "answered",
      stretches: 2,
      decisions: 4,
      illegal: 1,
      calls: 1 + 1,
      errors: 2,
      inputTokens: 480,
      forcedTokens: 24,
    }),
  ]);
  expect(traces[0]!["rows"]).toContainEqual(
    expect.objectContaining({ kind: "decision", label: "read", tokens: { input: 120, output: 14 } }),
  );
});

test("--otlp is the body of a request", async () => {
  const { out } = await shown([await recorded(), "--otlp"]);
  const body = JSON.parse(out) as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] };
  expect(body.resourceSpans[0]!.scopeSpans[0]!.spans).toHaveLength(10);
});

test("broken lines are told with their numbers, and cost only themselves", async () => {
  const path = await recorded();
  const whole = await shown([path]);
  await appendFile(path, 'no json\n\n{"traceId":"x"}\n[1]\n{"cut":');
  const { code, out, err } = await shown([path]);
  expect([code, out]).toEqual([EXIT.ok, whole.out]);
  const lines = (await readFile(path, "utf8")).split("\n").length;
  expect(err.trimEnd().split("\n")).toEqual([
    `orrery: line ${lines - 4}: not JSON`,
    `orrery: line ${lines - 2}: not a span: traceId: expected 32 hexadecimal digits`,
    expect.stringMatching(`orrery: line ${lines - 1}: not a span: the whole: `),
    `orrery: line ${lines}: not JSON`,
  ]);
});

test.each([
  ["is not there", undefined, "ENOENT"],
  ["is empty", "", "it holds no span"],
  ["is something else", "# Notes\n", "no line is a span; line 1: not JSON"],
])("a file that %s is an error", async (_, text, message) => {
  const path = join(folder, "x");
  if (text !== undefined) await writeFile(path, text);
  const { code, err } = await shown([path]);
  expect(code).toBe(EXIT.failed);
  expect(err).toContain(message);
});

test("without a file, or with two forms of output, nothing is done", async () => {
  expect((await shown([])).code).toBe(EXIT.usage);
  expect((await shown(["x", "--json", "--otlp"])).code).toBe(EXIT.usage);
});

const id = (n: number) => n.toString(16).padStart(16, "0");
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.constantFrom("\u001b[2J", "\u202e", "a\nb", "漢字".repeat(40)));
const value = fc.oneof(text, fc.integer(), fc.double(), fc.array(text, { maxLength: 4 }), fc.boolean(), fc.constant(null));
const NAMES = [
  "gen_ai.operation.name",
  "gen_ai.tool.name",
  "gen_ai.usage.input_tokens",
  "orrery.chosen",
  "orrery.moves",
  "orrery.state",
  "orrery.status",
  "orrery.resumed",
  "orrery.attempts",
  "error.type",
];
const attributes = fc
  .dictionary(fc.constantFrom(...NAMES), fc.oneof(value, fc.constantFrom("invoke_agent", "chat", "execute_tool", true)), {
    noNullPrototype: true,
  })
  .map((given) => given as Span["attributes"]);
const time = fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }).map(String);
const wildSpan = (n: number): fc.Arbitrary<Span> =>
  fc.record(
    {
      traceId: fc.constant("a".repeat(32)),
      spanId: fc.constant(id(n)),
      parentSpanId: fc.integer({ min: 0, max: 9 }).map(id),
      name: fc.oneof(text, fc.constantFrom("orrery.approval x", "orrery.attempt")),
      startTimeUnixNano: time,
      endTimeUnixNano: time,
      attributes,
      events: fc.array(fc.record({ name: fc.constantFrom("orrery.call_refused", "x"), timeUnixNano: time, attributes }), { maxLength: 2 }),
    },
    { requiredKeys: ["traceId", "spanId", "name", "startTimeUnixNano", "endTimeUnixNano", "attributes"] },
  );
const wildSpans = fc.integer({ min: 1, max: 9 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => wildSpan(n))));

test("whatever spans say, each gives a row, and lines are safe and no wider than the screen", () => {
  fc.assert(
    fc.property(wildSpans, fc.integer({ min: 1, max: 140 }), (spans, width) => {
      const rows = spanRows(spans);
      expect(rows.filter(({ kind }) => kind !== "state" && kind !== "refused")).toHaveLength(spans.length);
      const summary = {
        traceId: "a".repeat(32),
        status: "\u001b[2Jx",
        startedAt: "",
        ms: 1,
        waitedMs: 1,
        stretches: 2,
        decisions: 1,
        illegal: 0,
        calls: 0,
        errors: 1,
        inputTokens: 1,
        cachedTokens: 1,
        outputTokens: 1,
        forcedTokens: 1,
      };
      for (const line of traceLines(summary, rows, width, createStyle(true))) {
        const plain = stripVTControlCharacters(line);
        expect(columns(plain)).toBeLessThanOrEqual(width);
        // oxlint-disable-next-line no-control-regex -- control characters are what this is about
        expect(plain).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      }
    }),
  );
});

test("a file of spans whose parents form a circle, or that name one parent two thousand times, is shown", async () => {
  const span = (n: number, parent: number) => ({
    traceId: "b".repeat(32),
    spanId: id(n),
    parentSpanId: id(parent),
    name: "x",
    startTimeUnixNano: "1",
    endTimeUnixNano: "2",
    attributes: {},
  });
  const spans = [
    span(1, 2),
    span(2, 1),
    ...Array.from({ length: 2_000 }, (_, n) => span(n + 10, 1)),
    ...Array.from({ length: 2_000 }, (_, n) => span(n + 4_000, n + 3_999)),
  ];
  const path = join(folder, "wild.jsonl");
  await writeFile(path, spans.map((each) => JSON.stringify(each)).join("\n"));
  const { code, out } = await shown([path]);
  expect(code).toBe(EXIT.ok);
  expect(out.trimEnd().split("\n")).toHaveLength(spans.length + 4);
});
