import { scriptedModel } from "@orrery/chat/testing";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Outside } from "../testing/outside.ts";

const folder = resolve(import.meta.dirname, "../../fixtures/check");

async function orrery(...args: string[]) {
  const outside = new Outside(scriptedModel([]), folder);
  const code = await cli(["check", ...args], outside.host);
  expect(outside.loaded).toEqual([]);
  return { code, out: outside.out, err: outside.err };
}

test("what is wrong and what does not hold is told with the way there, and the exit code says so", async () => {
  const { code, out } = await orrery("faulty.mjs");
  expect(code).toBe(EXIT.failed);
  expect(out.trimEnd().split("\n")).toEqual([
    "stuck: 7 states, 20 transitions, complete, 2 faults",
    "  ✗ paused has no exit: nothing runs there, and no event leads on",
    "         begins in turn.deciding",
    "      1. the model calls pause {} → paused",
    "  ✗ the tool shell is never legal",
    "  ✓ the shell never runs",
    expect.stringMatching(/^wild: \d+ states, \d+ transitions, complete, no faults$/),
    "  ✗ the shell never runs: shell started in the last step",
    "         begins in turn.deciding",
    "      1. the model calls shell {} → turn.acting (shell starts)",
  ]);
});

test("--json has the same as one object, ways as lines", async () => {
  const { code, out } = await orrery("faulty.mjs", "--json");
  const { ok, charts } = JSON.parse(out);
  expect([code, ok, charts.map(({ name }: { name: string }) => name)]).toEqual([EXIT.failed, false, ["stuck", "wild"]]);
  expect(charts[0].findings[0]).toEqual({
    kind: "no-exit",
    severity: "error",
    message: "paused has no exit: nothing runs there, and no event leads on",
    way: ["   begins in turn.deciding", "1. the model calls pause {} → paused"],
  });
  expect(charts[1]).toMatchObject({
    ok: false,
    complete: true,
    properties: [
      { name: "the shell never runs", verdict: "fails", counterexample: [expect.anything(), expect.stringContaining("shell {}")] },
    ],
  });
});

test("a limit that is reached is no proof", async () => {
  const { code, out } = await orrery("faulty.mjs", "--max-states", "1", "--json");
  expect([code, JSON.parse(out).charts[0].properties[0].verdict]).toEqual([EXIT.failed, "unknown"]);
});

test.each([
  [["nothing.mjs"], "cli/nothing-to-check", "nothing.mjs exports no agent, chart or machine; it exports nothing"],
  [["throws.mjs"], "cli/bad-module", "throws.mjs cannot be imported: this file throws"],
  [["misread.mjs"], "cli/bad-module", "properties is no list of properties"],
  [["lost.mjs"], "cli/bad-module", "'nowhere' does not exist"],
  [["gone.mjs"], "cli/bad-module", "ENOENT"],
  [["."], "cli/bad-module", "it is not a file"],
])("%j is an error that says why", async (args, code, message) => {
  const { code: exit, out, err } = await orrery(...args, "--json");
  expect([exit, JSON.parse(out).error.code]).toEqual([EXIT.failed, code]);
  expect(err).toContain(message);
  expect(err).toContain("hint: ");
});

test.each([[[]], [["a", "b"]], [["a", "--max-states", "none"]]])("check %j is a usage error", async (args) => {
  expect((await orrery(...args)).code).toBe(EXIT.usage);
});

test("a TypeScript file is imported by node itself, and what holds is said", async () => {
  const program = resolve(import.meta.dirname, "../../bin/orrery.js");
  const { code, out } = await new Promise<{ code: number; out: string }>((done) => {
    execFile(process.execPath, [program, "check", "good.ts"], { cwd: folder }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, out: stdout + stderr }),
    );
  });
  expect(out.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^coder: \d+ states, \d+ transitions, complete, no faults$/),
    "  ✓ cancel is always possible",
    "  ✓ every run ends",
    "  ✓ no edit before approval",
  ]);
  expect(code).toBe(EXIT.ok);
});
