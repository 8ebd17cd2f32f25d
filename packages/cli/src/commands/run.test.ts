import { OrreryError } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Outside, slowModel } from "../testing/outside.ts";
import { DEMONSTRATION } from "./run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-cli-"));
  await writeFile(join(folder, "cache.yaml"), "batch_size: 500\n");
});
afterEach(() => rm(folder, { recursive: true }));

const DAYS: ScriptedReply = { calls: [{ name: "days_between", input: { start: "2026-03-03", end: "2026-04-19" } }] };
const HOURS: ScriptedReply = { calls: [{ name: "calculator", input: { expression: "47*24" } }] };
const EDIT: ScriptedReply = { calls: [{ name: "edit_file", input: { path: "cache.yaml", old: "500", new: "2" } }] };
const TASK = DEMONSTRATION;

test("a run shows its moves, the answer and what it took", async () => {
  const model = scriptedModel([DAYS, HOURS, "There are 47 days, which is 1128 hours."]);
  const outside = new Outside(model, folder);
  expect(await cli(["run", ...TASK.split(" ")], outside.host)).toBe(EXIT.ok);
  expect(outside.out.replace(/\d+ ms/, "5 ms")).toBe(
    [
      "▸ days_between   2026-03-03 → 2026-04-19                47",
      "▸ calculator     47*24                                  1128",
      "There are 47 days, which is 1128 hours.",
      "",
      "3 decisions, 0 illegal · 5 ms",
      "",
    ].join("\n"),
  );
  expect(outside.err).toBe("");
  expect(outside.disposed).toBe(1);
  expect(outside.loaded).toEqual([undefined]);
  model.assertComplete();
});

test("the model is told the date and only the tools that fit", async () => {
  const model = scriptedModel(["It is noon."]);
  await cli(["run", "What time is it in London?"], new Outside(model, folder).host);
  const [request] = model.requests;
  expect(request?.messages[0]).toEqual({
    role: "system",
    content: "You are a helpful assistant with access to tools. Today's date: 2026-11-24.",
  });
  expect(request?.messages[1]).toEqual({ role: "user", content: "What time is it in London?" });
  expect(request?.tools?.map(({ name }) => name)).toContain("get_time");
  expect(request?.tools?.length).toBeLessThanOrEqual(5);
});

test("--json prints one object and nothing else", async () => {
  const outside = new Outside(scriptedModel([DAYS, { calls: [{ name: "calculator", input: { expression: "1/0" } }] }, "47 days."]), folder);
  expect(await cli(["run", TASK, "--json"], outside.host)).toBe(EXIT.ok);
  const printed: unknown = JSON.parse(outside.out);
  expect(outside.out.trimEnd()).not.toContain("\n");
  expect(printed).toEqual({
    answer: "47 days.",
    steps: [
      { tool: "days_between", input: { start: "2026-03-03", end: "2026-04-19" }, output: { days: 47 } },
      {
        tool: "calculator",
        input: { expression: "1/0" },
        error: expect.objectContaining({ code: "tool/division-by-zero", message: "division by zero" }),
      },
    ],
    usage: { promptTokens: 0, cachedTokens: 0, computedTokens: 0, replyTokens: 0, forcedTokens: 0 },
    timings: { totalMs: expect.any(Number), modelMs: expect.any(Number), toolMs: expect.any(Number) },
  });
  expect(outside.err).toBe("");
});

test("a terminal gets colours and a line that vanishes; a pipe gets neither", async () => {
  const terminal = new Outside(scriptedModel([DAYS, "47 days."]), folder, { tty: true });
  await cli(["run", TASK], terminal.host);
  expect(terminal.out).toContain("\u001b[36m▸");
  expect(terminal.out).toContain("\r\u001b[2K");
  const plain = new Outside(scriptedModel([DAYS, "47 days."]), folder, { tty: true });
  await cli(["run", TASK, "--no-color"], plain.host);
  expect(plain.out.replaceAll("\r\u001b[2K", "")).not.toContain("\u001b");
  const piped = new Outside(scriptedModel([DAYS, "47 days."]), folder);
  await cli(["run", TASK], piped.host);
  expect(piped.out).not.toContain("\u001b");
  expect(stripVTControlCharacters(terminal.out)).toContain("▸ days_between   2026-03-03 → 2026-04-19                47\n");
});

test("what a model writes cannot reach the terminal as commands", async () => {
  const outside = new Outside(scriptedModel(["\u001b]0;owned\u0007hi\r\u009b2J"]), folder, { tty: true });
  await cli(["run", "hello"], outside.host);
  expect(outside.out).toContain("␛]0;owned␇hi␍2J");
});

test("without a task a demonstration runs and says so", async () => {
  const model = scriptedModel([DAYS, "47 days."]);
  const outside = new Outside(model, folder);
  expect(await cli(["run"], outside.host)).toBe(EXIT.ok);
  expect(outside.out).toContain("demonstration");
  expect(outside.out).toContain(TASK);
  expect(model.requests[0]?.messages.at(-1)).toEqual({ role: "user", content: TASK });
});

test("a tool that writes is not run where nobody can be asked", async () => {
  const outside = new Outside(scriptedModel([EDIT, "I was not allowed to."]), folder);
  expect(await cli(["run", "set batch_size to 2 in cache.yaml"], outside.host)).toBe(EXIT.unasked);
  expect(await readFile(join(folder, "cache.yaml"), "utf8")).toBe("batch_size: 500\n");
  expect(outside.err).toContain("edit_file was not run");
  expect(outside.err).toContain("--yes");
});

test("--yes allows it beforehand", async () => {
  const outside = new Outside(scriptedModel([EDIT, "Done."]), folder);
  expect(await cli(["run", "--yes", "set batch_size to 2 in cache.yaml"], outside.host)).toBe(EXIT.ok);
  expect(await readFile(join(folder, "cache.yaml"), "utf8")).toBe("batch_size: 2\n");
});

test.each([
  ["y\n", "batch_size: 2\n"],
  ["n\n", "batch_size: 500\n"],
  ["\n", "batch_size: 500\n"],
  ["sure why not\n", "batch_size: 500\n"],
])("on a terminal the change is shown, and %p decides", async (typed, content) => {
  const outside = new Outside(scriptedModel([EDIT, "Ready."]), folder, { tty: true });
  const ended = cli(["run", "set batch_size to 2 in cache.yaml"], outside.host);
  await outside.shown("[y/N]");
  outside.stdin.write(typed);
  expect(await ended).toBe(EXIT.ok);
  const seen = stripVTControlCharacters(outside.out);
  expect(seen).toContain("cache.yaml  1 added, 1 removed");
  expect(seen).toContain("-batch_size: 500");
  expect(seen).toContain("+batch_size: 2");
  expect(seen).toContain("? run edit_file? [y/N]");
  expect(await readFile(join(folder, "cache.yaml"), "utf8")).toBe(content);
});

test("a yes that was typed before the question is no answer to it", async () => {
  const outside = new Outside(scriptedModel([EDIT, "Ready."]), folder, { tty: true });
  outside.stdin.write("y\n");
  const ended = cli(["run", "set batch_size to 2 in cache.yaml"], outside.host);
  await outside.shown("[y/N]");
  outside.stdin.write("n\n");
  expect(await ended).toBe(EXIT.ok);
  expect(await readFile(join(folder, "cache.yaml"), "utf8")).toBe("batch_size: 500\n");
});

test("Ctrl-C at the question cancels the run, and nothing is written", async () => {
  const outside = new Outside(scriptedModel([EDIT, "Ready."]), folder, { tty: true });
  const ended = cli(["run", "set batch_size to 2 in cache.yaml"], outside.host);
  await outside.shown("[y/N]");
  outside.stdin.write("\u0003");
  expect(await ended).toBe(EXIT.cancelled);
  expect(outside.disposed).toBe(1);
  expect(await readFile(join(folder, "cache.yaml"), "utf8")).toBe("batch_size: 500\n");
});

test("Ctrl-C cancels a run, disposes of the model and leaves the cursor on its own line", async () => {
  const outside: Outside = new Outside(
    slowModel(() => setImmediate(() => outside.interrupts.raise())),
    folder,
  );
  expect(await cli(["run", "hello"], outside.host)).toBe(EXIT.cancelled);
  expect(outside.out).toBe("Well\n");
  expect(outside.err).toBe("orrery: cancelled\n");
  expect(outside.disposed).toBe(1);
  outside.interrupts.raise();
  expect(outside.unheard).toBe(1);
});

test("a cancelled run with --json says so on stdout", async () => {
  const outside: Outside = new Outside(
    slowModel(() => setImmediate(() => outside.interrupts.raise())),
    folder,
  );
  expect(await cli(["run", "hello", "--json"], outside.host)).toBe(EXIT.cancelled);
  expect(JSON.parse(outside.out)).toMatchObject({ error: { code: "cli/cancelled", message: "cancelled" }, steps: [] });
});

test("a model that cannot be loaded is a failure with a hint", async () => {
  const error = new OrreryError("export/no-manifest", "no manifest there", { hint: "export a checkpoint" });
  const outside = new Outside(error, folder);
  expect(await cli(["run", "hello", "--model", "nowhere", "--json"], outside.host)).toBe(EXIT.failed);
  expect(JSON.parse(outside.out)).toEqual({
    error: { code: "export/no-manifest", message: "no manifest there", hint: "export a checkpoint" },
  });
  expect(outside.err).toBe("orrery: no manifest there\n  hint: export a checkpoint\n");
  expect(outside.loaded).toEqual([join(folder, "nowhere")]);
});

test("a failed reply is a failure", async () => {
  const outside = new Outside(scriptedModel([{ fail: "error" }]), folder);
  expect(await cli(["run", "hello"], outside.host)).toBe(EXIT.failed);
  expect(outside.err).toContain("orrery: ");
  expect(outside.disposed).toBe(1);
});

test("a tool or a folder that is not there is refused before a model is loaded", async () => {
  for (const argv of [
    ["run", "x", "--tools", "rm"],
    ["run", "x", "--cwd", "missing"],
  ]) {
    const outside = new Outside(scriptedModel([]), folder);
    expect(await cli(argv, outside.host)).toBe(EXIT.usage);
    expect(outside.err).toContain("\n  hint: ");
    expect(outside.loaded).toEqual([]);
  }
});

test("a task without a word is refused: only no task at all is the demonstration", async () => {
  for (const argv of [
    ["run", ""],
    ["run", " ", "\n"],
  ]) {
    const outside = new Outside(scriptedModel([]), folder);
    expect(await cli(argv, outside.host)).toBe(EXIT.usage);
    expect(outside.err).toContain("the task is empty\n  hint: ");
    expect(outside.loaded).toEqual([]);
  }
});

test("the line that vanishes has vanished before an error is told", async () => {
  for (const command of [["run", "hello"], ["chat"]]) {
    const outside = new Outside(new OrreryError("export/no-manifest", "no manifest there"), folder, { tty: true });
    expect(await cli(command, outside.host)).toBe(EXIT.failed);
    expect(outside.out.endsWith("\r\u001b[2K")).toBe(true);
  }
});

test("--tools, --max-steps, --temperature, --seed and --cwd reach the run", async () => {
  const model = scriptedModel([{ calls: [{ name: "list_files", input: { dir: "." } }] }, "One file."]);
  const outside = new Outside(model, folder);
  const code = await cli(
    ["run", "x", "--tools", "list_files,calculator", "--max-steps", "1", "--temperature", "0.5", "--seed", "7", "--cwd", folder, "-v"],
    outside.host,
  );
  expect(code).toBe(EXIT.ok);
  expect(outside.out).toContain("tools: list_files, calculator");
  expect(outside.out).toContain("cache.yaml");
  expect(model.requests[0]?.sampling).toEqual({ temperature: 0.5, seed: 7 });
  expect(model.requests[1]?.moves?.calls).toEqual([]);
});
