import type { Span } from "@orrery/agent";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "./cli.ts";
import { EXIT } from "./exit-codes.ts";
import { Outside } from "./testing/outside.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "orrery-tracing-"))));
afterEach(() => rm(folder, { recursive: true }));

const SUM: ScriptedReply = { calls: [{ name: "calculator", input: { expression: "40+2" } }] };
const spansIn = async (file: string) =>
  (await readFile(join(folder, file), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line): Span => JSON.parse(line));

test("run --trace appends the run to a file, without what was said", async () => {
  for (const n of [1, 2]) {
    const outside = new Outside(scriptedModel([SUM, "It is 42."]), folder);
    expect(await cli(["run", "What is 40+2?", "--trace", "run.jsonl"], outside.host)).toBe(EXIT.ok);
    const spans = await spansIn("run.jsonl");
    expect(spans.map(({ name }) => name)).toHaveLength(n * 4);
    expect(JSON.stringify(spans)).not.toMatch(/40\+2|It is 42/);
  }
});

test("with --trace-content it holds the conversation", async () => {
  const outside = new Outside(scriptedModel([SUM, "It is 42."]), folder);
  await cli(["run", "What is 40+2?", "--trace", "run.jsonl", "--trace-content"], outside.host);
  expect(JSON.stringify(await spansIn("run.jsonl"))).toContain("It is 42.");
});

test("turns of a chat are traces of one conversation; /new begins another", async () => {
  const outside = new Outside(scriptedModel(["one", "two", "three"]), folder);
  outside.stdin.end("a\nb\n/new\nc\n");
  expect(await cli(["chat", "--trace", "chat.jsonl"], outside.host)).toBe(EXIT.ok);
  const runs = (await spansIn("chat.jsonl")).filter(({ name }) => name === "invoke_agent");
  expect(new Set(runs.map(({ traceId }) => traceId)).size).toBe(3);
  const [a, b, c] = runs.map(({ attributes }) => attributes["gen_ai.conversation.id"]);
  expect([a === b, a === c]).toEqual([true, false]);
});

test("a file that cannot be opened is told before a model is loaded", async () => {
  const outside = new Outside(scriptedModel(["one"]), folder);
  expect(await cli(["run", "hello", "--trace", join("no", "run.jsonl")], outside.host)).toBe(EXIT.failed);
  expect(outside.err).toMatch(/cannot be written: .*ENOENT/);
  expect(outside.loaded).toEqual([]);
});

test("--trace-content without --trace is an error", async () => {
  expect(await cli(["run", "hello", "--trace-content"], new Outside(scriptedModel([]), folder).host)).toBe(EXIT.usage);
});
