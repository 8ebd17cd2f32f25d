import { OrreryError } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cli } from "./cli.ts";
import { DEMONSTRATION } from "./commands/run.ts";
import { EXIT } from "./exit-codes.ts";
import { HELP } from "./help.ts";
import { Outside } from "./testing/outside.ts";

const folder = tmpdir();

test.each([
  [["fly"], "there is no command 'fly'"],
  [["constructor"], "there is no command 'constructor'"],
  [["run", "--fast", "x"], "Unknown option '--fast'"],
  [["run", "x", "--max-steps", "0"], "--max-steps takes a whole number from 1 to 100, found '0'"],
  [["run", "x", "--max-steps", "many"], "--max-steps takes a whole number"],
  [["run", "x", "--temperature", "9"], "--temperature takes a number from 0 to 5, found '9'"],
  [["run", "x", "--temperature="], "--temperature takes a number"],
  [["run", "x", "--seed", "-1"], "seed"],
  [["run", "x", "--seed=1.5"], "--seed takes a whole number"],
  [["chat", "hello"], "chat takes no task"],
  [["generate", "dir"], "generate takes a model"],
  [["export", "a.gguf"], "export needs --out <dir>"],
  [["export", "a.gguf", "--out", "d", "--weights", "int3"], "--weights takes float32, int8, int4, sliced, paired; found 'int3'"],
  [["export", "a.gguf", "--out", "d", "--cache", "int4"], "--cache takes float32, int8; found 'int4'"],
  [["run", "x", "--weights", "int4"], "--weights is for a model of the hub"],
  [["run", "x", "--model", "hf:a/b", "--weights", "int3"], "--weights takes float32, int8, int4, sliced, paired; found 'int3'"],
  [["inspect"], "inspect takes one directory or checkpoint"],
  [["help", "fly"], "there is no command 'fly'"],
])("%j is a usage error and loads no model", async (argv, message) => {
  const outside = new Outside(scriptedModel([]), folder);
  expect(await cli(argv, outside.host)).toBe(EXIT.usage);
  expect(outside.err).toContain(message);
  expect(outside.err).toContain("hint: ");
  expect(outside.loaded).toEqual([]);
});

test("generate streams a continuation, safe to print", async () => {
  const outside = new Outside(scriptedModel([]), folder);
  expect(await cli(["generate", "dir", "Once", "upon", "--max-tokens", "3"], outside.host)).toBe(EXIT.ok);
  expect(outside.out).toBe(" after 'Once upon'␛[2J end\n");
  expect(outside.loaded).toEqual([join(folder, "dir")]);
  expect(outside.disposed).toBe(1);
});

test("help says every command, option and exit code; every command has one", async () => {
  const outside = new Outside(scriptedModel([]), folder);
  expect(await cli(["--help"], outside.host)).toBe(EXIT.ok);
  for (const command of ["run", "chat", "generate", "export", "check", "inspect"]) {
    expect(outside.out).toContain(`orrery ${command}`);
    const own = new Outside(scriptedModel([]), folder);
    expect(await cli([command, "x", "--help"], own.host)).toBe(EXIT.ok);
    expect(own.out).toContain(`Usage: orrery ${command}`);
  }
  expect(outside.out).toContain("130  cancelled with Ctrl-C");
});

test("Ctrl-C cancels an export by its signal", async () => {
  const outside = new Outside(scriptedModel([]), folder);
  const engine = await outside.host.engine();
  const exportModel: typeof engine.exportModel = async (_, { signal }) => {
    outside.interrupts.raise();
    if (signal?.aborted === true) throw new OrreryError("export/cancelled", "the export was cancelled", { hint: "go on" });
    throw new Error("went on");
  };
  const host = { ...outside.host, engine: async () => ({ ...engine, exportModel }) };
  expect(await cli(["export", "model.gguf", "--out", "there", "--json"], host)).toBe(EXIT.cancelled);
  expect(JSON.parse(outside.out)).toEqual({ error: { code: "cli/cancelled", message: "cancelled", hint: "go on" } });
});

test.each([true, false])("progress of an export: one line on a terminal (%s), elsewhere a line for every tenth", async (tty) => {
  const outside = new Outside(scriptedModel([]), folder, { tty });
  const engine = await outside.host.engine();
  const exportModel: typeof engine.exportModel = async (_, { onProgress }) => {
    for (let bytes = 0; bytes <= 4e9; bytes += 1e7)
      onProgress!({
        weight: "layers.3.mlp.down",
        bytes,
        total: 4e9,
        rate: 2e8,
        secondsLeft: (4e9 - bytes) / 2e8,
        elapsedMs: 1,
      });
    throw new OrreryError("export/block", "stop here");
  };
  const host = { ...outside.host, engine: async () => ({ ...engine, exportModel }) };
  await cli(["export", "model.gguf", "--out", "there"], host);
  const lines = outside.err.split("\n");
  const half = "· exporting: 2.0 GB of 4.0 GB, 200.0 MB/s, 10.0 s left, layers.3.mlp.down";
  if (tty) expect(lines[0]).toContain(`\r\u001b[2K${half}\r`);
  else expect(lines.filter((line) => line.startsWith("·"))).toHaveLength(11);
  if (!tty) expect(lines[5]).toBe(half);
});

test("--variant reaches the model that is loaded", async () => {
  for (const args of [
    ["generate", "dir", "Once"],
    ["run", "hello", "--model", "dir"],
  ]) {
    const outside = new Outside(scriptedModel(["Fine."]), folder);
    expect(await cli([...args, "--variant", "q4"], outside.host)).toBe(EXIT.ok);
    expect(outside.variants).toEqual(["q4"]);
    expect(await cli([...args, "--variant", ""], outside.host)).toBe(EXIT.usage);
  }
});

test("--json has the fields that help names", async () => {
  const named = (help: string): readonly string[] => /--json .*\{ (.*) \}/.exec(help)?.[1]?.split(", ") ?? [];
  for (const [command, ...rest] of [
    ["run", "hello"],
    ["generate", "dir", "Once"],
  ]) {
    const outside = new Outside(scriptedModel(["Fine."]), folder);
    expect(await cli([command!, ...rest, "--json"], outside.host)).toBe(EXIT.ok);
    expect(Object.keys(JSON.parse(outside.out))).toEqual(named(HELP[command!]!));
  }
});

test("an error is one line and its hint", async () => {
  const outside = new Outside(scriptedModel([]), folder);
  expect(await cli(["run", "x", "--seed", "-1"], outside.host)).toBe(EXIT.usage);
  expect(outside.err).toMatch(/^orrery: .*--seed.*\n  hint: .*\n$/);
});

test("text behind -- is text", async () => {
  const model = scriptedModel(["Fine."]);
  expect(await cli(["run", "--", "--help"], new Outside(model, folder).host)).toBe(EXIT.ok);
  expect(model.requests[0]?.messages.at(-1)).toEqual({ role: "user", content: "--help" });
});

describe("the process", () => {
  const bin = fileURLToPath(new URL("../bin/orrery.js", import.meta.url));
  const orrery = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
    new Promise((resolve) =>
      execFile(process.execPath, [bin, ...args], (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
      ),
    );

  test("prints help and version", async () => {
    const [help, version] = await Promise.all([orrery("--help"), orrery("--version")]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Exit codes");
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }, 30_000);

  test("answers the demonstration with the embedded model and two tools", async () => {
    const { code, stdout, stderr } = await orrery("run", DEMONSTRATION, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { answer, steps, usage } = JSON.parse(stdout);
    expect(steps).toMatchObject([
      { tool: "days_between", input: { start: "2026-03-03", end: "2026-04-19" }, output: { days: 47 } },
      { tool: "calculator", output: { result: 1128 } },
    ]);
    expect(answer).toContain("1128");
    expect(usage.cachedTokens + usage.computedTokens).toBe(usage.promptTokens);
  }, 60_000);

  test("stops in order when its reader leaves in the middle of a run", async () => {
    const child = spawn(process.execPath, [bin, "run", DEMONSTRATION]);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.once("data", () => child.stdout.destroy());
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    expect({ code, signal, stderr }).toEqual({ code: 130, signal: null, stderr: "orrery: cancelled\n" });
  }, 60_000);

  test("refuses a command line that onnxruntime would crash on", async () => {
    const { code, stdout, stderr } = await orrery("run", "a b ".repeat(25_000), "--json");
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "cli/too-long", hint: expect.stringContaining("orrery chat") } });
    expect(stderr).toMatch(/^orrery: the command line has \d+ bytes, .*\n  hint: .*\n$/);
  }, 60_000);

  test("ends with 2 for wrong arguments", async () => {
    const result = await orrery("run", "--nonsense");
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("Unknown option '--nonsense'");
  }, 30_000);
});
