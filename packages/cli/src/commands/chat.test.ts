import type { ChatModel } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Outside, slowModel } from "../testing/outside.ts";

const folder = tmpdir();
const TASK = "How many days are there between 2026-03-03 and 2026-04-19?";
const DAYS = { calls: [{ name: "days_between", input: { start: "2026-03-03", end: "2026-04-19" } }] };

test("a conversation goes on over several lines, then ends with the input", async () => {
  const model = scriptedModel(["Hello.", DAYS, "47.", "New."]);
  const outside = new Outside(model, folder);
  outside.stdin.end(`hi\n\n${TASK}\n/new\nagain\n`);
  expect(await cli(["chat"], outside.host)).toBe(EXIT.ok);
  expect(outside.out).toContain("Hello.\n");
  expect(outside.out).toContain("▸ days_between");
  expect(model.requests[2]?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user", "assistant", "tool"]);
  expect(model.requests[3]?.messages.map(({ role }) => role)).toEqual(["system", "user"]);
  expect(outside.disposed).toBe(1);
});

test("Ctrl-C in a turn cancels the turn and keeps the conversation", async () => {
  const later = scriptedModel(["Second answer."]);
  let turns = 0;
  const outside: Outside = new Outside(
    {
      id: "two",
      contextLength: 1000,
      stream: (request) =>
        turns++ === 0 ? slowModel(() => setImmediate(() => outside.interrupts.raise())).stream(request) : later.stream(request),
    },
    folder,
  );
  outside.stdin.end("first\nsecond\n");
  expect(await cli(["chat"], outside.host)).toBe(EXIT.ok);
  expect(outside.out).toContain("Well\ncancelled\n");
  expect(outside.out).toContain("Second answer.");
  expect(later.requests[0]?.messages.filter(({ role }) => role === "user")).toEqual([
    { role: "user", content: "first" },
    { role: "user", content: "second" },
  ]);
});

test("a failed turn is told and is not part of the conversation", async () => {
  const model = scriptedModel([{ fail: "error" }, "Better."]);
  const outside = new Outside(model, folder);
  outside.stdin.end("one\ntwo\n");
  expect(await cli(["chat"], outside.host)).toBe(EXIT.ok);
  expect(outside.err).toContain("orrery: ");
  expect(model.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "two" });
  expect(model.requests[1]?.messages).toHaveLength(2);
});

test("at the prompt the first Ctrl-C warns and the second leaves", async () => {
  const outside = new Outside(scriptedModel([]), folder, { tty: true });
  const ended = cli(["chat"], outside.host);
  await outside.shown("›");
  outside.stdin.write("\u0003");
  await outside.shown("Ctrl-C again");
  outside.stdin.write("\u0003");
  expect(await ended).toBe(EXIT.ok);
  expect(outside.disposed).toBe(1);
});

test("a line that was typed ahead is the next turn, and no answer to a question", async () => {
  const model = scriptedModel([
    { calls: [{ name: "write_file", input: { path: "never.txt", content: "x" } }] },
    "I was not allowed to.",
    "Hello.",
  ]);
  const own = await mkdtemp(join(folder, "orrery-chat-"));
  const outside = new Outside(model, own, { tty: true });
  outside.stdin.write("write never.txt\nyes\n");
  const ended = cli(["chat"], outside.host);
  await outside.shown("[y/N]");
  outside.stdin.write("n\n");
  await outside.shown("Hello.");
  outside.stdin.write("/exit\n");
  expect(await ended).toBe(EXIT.ok);
  expect(model.requests[2]?.messages.at(-1)).toEqual({ role: "user", content: "yes" });
  expect(await readdir(own)).toEqual([]);
  await rm(own, { recursive: true });
});

test("a conversation in a file goes on where it was left, with what the model remembered", async () => {
  const own = await mkdtemp(join(folder, "orrery-chat-"));
  const args = ["chat", "--session", "talk.json"];
  const first = new Outside(scriptedModel(["Hello."]), own);
  first.stdin.end("hi\n");
  expect(await cli(args, first.host)).toBe(EXIT.ok);
  expect(first.caches).toEqual([]);
  expect((await readdir(own)).sort()).toEqual(["talk.json", "talk.json.cache"]);

  const model = scriptedModel(["Again."]);
  const second = new Outside(model, own);
  second.stdin.end("and now\n");
  expect(await cli(args, second.host)).toBe(EXIT.ok);
  expect(second.caches).toEqual(["cache"]);
  expect(model.requests[0]?.messages.slice(1)).toEqual([
    { role: "user", content: "hi" },
    { role: "assistant", content: "Hello." },
    { role: "user", content: "and now" },
  ]);
  await rm(own, { recursive: true });
});

test("a file that is no conversation is told before the model is loaded, and stays as it is", async () => {
  const own = await mkdtemp(join(folder, "orrery-chat-"));
  for (const text of ["not JSON", '{"format":2}', '{"format":1,"tools":[],"messages":[{"role":"robot"}]}']) {
    await writeFile(join(own, "talk.json"), text);
    const outside = new Outside(scriptedModel([]), own);
    outside.stdin.end("hi\n");
    expect(await cli(["chat", "--session", "talk.json"], outside.host)).not.toBe(EXIT.ok);
    expect(outside.err).toContain("talk.json cannot be read as a conversation");
    expect(outside.loaded).toEqual([]);
    expect(await readFile(join(own, "talk.json"), "utf8")).toBe(text);
  }
  await rm(own, { recursive: true });
});

test("a place where no conversation can be kept is told before the model is loaded", async () => {
  for (const session of ["nowhere/talk.json", "."]) {
    const outside = new Outside(scriptedModel(["Hello."]), folder);
    outside.stdin.end("hi\n");
    expect(await cli(["chat", "--session", session], outside.host)).toBe(EXIT.failed);
    expect(outside.err).toContain("as a conversation: ");
    expect(outside.loaded).toEqual([]);
  }
});

test("a conversation that cannot be written for a while goes on, and is whole afterwards", async () => {
  for (const [replies, code] of [
    [["Hello.", "Again."], EXIT.ok],
    [["Hello."], EXIT.failed],
  ] as const) {
    const own = join(await mkdtemp(join(folder, "orrery-chat-")), "there");
    await mkdir(own);
    const script = scriptedModel(replies);
    const model: ChatModel = {
      id: script.id,
      contextLength: script.contextLength,
      async *stream(request) {
        if (script.requests.length === 0) await rm(own, { recursive: true });
        else await mkdir(own);
        yield* script.stream(request);
      },
    };
    const outside = new Outside(model, dirname(own));
    outside.stdin.end("hi\nand now\n".slice(0, replies.length === 2 ? undefined : 3));
    expect(await cli(["chat", "--session", "there/talk.json"], outside.host)).toBe(code);
    expect(outside.err.split("cannot be written")).toHaveLength(2);
    if (code === EXIT.ok) expect(await readFile(join(own, "talk.json"), "utf8")).toMatch(/hi.*Hello.*and now.*Again/s);
    await rm(dirname(own), { recursive: true });
  }
});

test("a link to a conversation stays one", async () => {
  const own = await mkdtemp(join(folder, "orrery-chat-"));
  await writeFile(join(own, "talk.json"), '{"format":1,"messages":[],"tools":[]}');
  await symlink("talk.json", join(own, "link.json"));
  const outside = new Outside(scriptedModel(["Hello."]), own);
  outside.stdin.end("hi\n");
  expect(await cli(["chat", "--session", "link.json"], outside.host)).toBe(EXIT.ok);
  expect((await lstat(join(own, "link.json"))).isSymbolicLink()).toBe(true);
  expect(await readFile(join(own, "talk.json"), "utf8")).toContain("Hello.");
  expect((await readdir(own)).toSorted()).toEqual(["link.json", "talk.json", "talk.json.cache"]);
  await rm(own, { recursive: true });
});

test("a cache that does not fit costs a line, not the conversation", async () => {
  const own = await mkdtemp(join(folder, "orrery-chat-"));
  await mkdir(join(own, "talk.json.cache"));
  const outside = new Outside(scriptedModel(["Hello."]), own);
  outside.stdin.end("hi\n");
  await cli(["chat", "--session", "talk.json"], outside.host);
  expect(outside.out).toContain("the conversation is computed again");
  expect(outside.out).toContain("Hello.");
  await rm(own, { recursive: true });
});
