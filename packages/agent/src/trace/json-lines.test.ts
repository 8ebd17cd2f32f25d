import { scriptedModel } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { createAgent } from "../agent.ts";
import { run } from "../run.ts";
import { jsonLines } from "./json-lines.ts";
import type { Span } from "./span.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "orrery-trace-"))));
afterEach(() => rm(folder, { recursive: true }));

const agent = () => createAgent({ model: scriptedModel(["one", "two"]), tools: [] });
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line): Span => JSON.parse(line));

test("a file gets one span a line, is the owner's alone, and grows", async () => {
  const path = join(folder, "run.jsonl");
  for (const [n, task] of ["a", "b"].entries()) {
    const spans = jsonLines(path);
    await run(agent(), task, { trace: spans });
    await spans.close();
    expect(linesOf(await readFile(path, "utf8")).map(({ name }) => name)).toHaveLength((n + 1) * 2);
  }
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a stream gets the lines and stays open", async () => {
  const stream = new PassThrough();
  const spans = jsonLines(stream);
  await run(agent(), "a", { trace: { onSpan: spans, content: true } });
  await spans.close();
  expect(stream.writable).toBe(true);
  expect(linesOf(String(stream.read())).map(({ name }) => name)).toEqual(["chat scripted", "invoke_agent"]);
});

test("what cannot be written is told: at once where the file cannot be opened, else at the end, and no run fails of it", async () => {
  await writeFile(join(folder, "file"), "");
  expect(() => jsonLines(join(folder, "file", "run.jsonl"))).toThrow(expect.objectContaining({ code: "agent/trace-not-written" }));
  const full = jsonLines(new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) }));
  expect((await run(agent(), "a", { trace: full })).status).toBe("answered");
  await expect(full.close()).rejects.toMatchObject({
    code: "agent/trace-not-written",
    message: "the stream cannot be written: no space left",
  });
});
