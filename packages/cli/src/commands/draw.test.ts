import { createAgent, jsonLines, run, tool } from "@orrery/agent";
import { scriptedModel } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Outside } from "../testing/outside.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-draw-"));
  const agent = JSON.stringify(import.meta.resolve("@orrery/agent"));
  const xstate = JSON.stringify(import.meta.resolve("xstate"));
  await writeFile(
    join(folder, "one.mjs"),
    `import { agentChart, phase, tool } from ${agent};
     const read = tool({ name: "read", description: "", input: { type: "object" }, run: () => "text" });
     export const chart = agentChart({ tools: [read], states: { turn: phase({ tools: ["read"], answer: true }) } });
     export const other = 1;`,
  );
  await writeFile(
    join(folder, "two.mjs"),
    `import { createMachine } from ${xstate};
     export const light = createMachine({ initial: "red", states: { red: { on: { go: "green" } }, green: {} } });
     export const door = createMachine({ initial: "shut", states: { shut: {} } });`,
  );
  await writeFile(join(folder, "none.mjs"), "export const a = 1; export function b() {}");
  await writeFile(join(folder, "broken.mjs"), "import 'no-such-package-anywhere';");
});
afterAll(() => rm(folder, { recursive: true }));

async function draw(...args: string[]) {
  const outside = new Outside(scriptedModel([]), folder);
  const code = await cli(["draw", ...args], outside.host);
  return { code, out: outside.out, err: outside.err };
}

test("a chart is drawn as SVG on stdout, or as Mermaid", async () => {
  const svg = await draw("one.mjs");
  expect(svg.code).toBe(EXIT.ok);
  expect(svg.out).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg.out).toContain(">▸ read<");
  expect((await draw("one.mjs", "--format", "mermaid")).out).toMatch(/^stateDiagram-v2\n {2}\[\*\] --> turn\n/);
});

test("--out writes a file, whose name says the form", async () => {
  expect(await draw("one.mjs", "--out", "a.svg")).toEqual({ code: EXIT.ok, out: "", err: "" });
  expect(await readFile(join(folder, "a.svg"), "utf8")).toContain("<svg ");
  await draw("one.mjs", "-o", "a.mmd");
  expect(await readFile(join(folder, "a.mmd"), "utf8")).toContain("stateDiagram-v2");
  const missing = await draw("one.mjs", "-o", join("no", "where.svg"));
  expect([missing.code, missing.err]).toEqual([EXIT.failed, expect.stringMatching(/cannot be written: .*ENOENT/)]);
});

test("--depth folds what lies deeper", async () => {
  expect((await draw("one.mjs")).out).toContain(">checking<");
  expect((await draw("one.mjs", "--depth", "1")).out).not.toContain(">checking<");
});

test("--trace marks the path of the run that the file tells of", async () => {
  const read = tool({ name: "read", description: "", input: { type: "object" }, run: () => "text" });
  const spans = jsonLines(join(folder, "run.jsonl"));
  const model = scriptedModel([{ calls: [{ name: "read", input: {} }] }, "done"]);
  await run(createAgent({ model, tools: [read] }), "go", { trace: spans });
  await spans.close();
  const { out } = await draw("one.mjs", "--trace", "run.jsonl");
  expect([...out.matchAll(/<g class="badge">.*?>([^<]*)<\/text>/g)].map((match) => match[1]).sort()).toEqual(["1", "2", "3", "4"]);
  expect((await draw("one.mjs", "--trace", "run.jsonl", "--format", "mermaid")).out).toContain("class turn_deciding,");
});

test("of several charts one is named", async () => {
  expect((await draw("two.mjs", "--export", "light")).out).toContain(">green<");
  for (const args of [["two.mjs"], ["two.mjs", "--export", "window"]]) {
    const { code, err } = await draw(...args);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("door, light");
  }
});

test.each([
  ["none.mjs", "exports no chart; its exports are a, b"],
  ["broken.mjs", "cannot be imported"],
  ["missing.mjs", "ENOENT"],
])("%s is an error that says what is wrong", async (file, message) => {
  const { code, err } = await draw(file);
  expect(code).toBe(EXIT.failed);
  expect(err).toContain(message);
});

test("wrong arguments are told", async () => {
  for (const args of [[], ["one.mjs", "--depth", "0"], ["one.mjs", "--format", "png"], ["one.mjs", "--depth", "1", "--format", "mermaid"]])
    expect((await draw(...args)).code).toBe(EXIT.usage);
});
