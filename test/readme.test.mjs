/** What README.md shows is true: its program runs, and its picture is the machine. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createAgent, tool, toMermaid } from "@orrery/agent";
import { scriptedModel } from "@orrery/chat/testing";

const root = resolve(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const block = (language) => readme.match(new RegExp("```" + language + "\\n([\\s\\S]*?)```"))[1];

test("the program has at most 20 lines, and prints what README.md says", () => {
  const program = block("ts");
  expect(program.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
  const file = join(root, "packages/evals", `readme-${process.pid}.ts`); // where the workspace's packages resolve
  writeFileSync(file, program);
  try {
    const printed = execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", file], { encoding: "utf8", timeout: 60_000 });
    expect(readme).toContain("```\n" + printed + "```");
  } finally {
    rmSync(file);
  }
}, 60_000);

test("the picture is drawn from the machine", () => {
  const checkStock = tool({ name: "check_stock", description: "", input: { type: "object", properties: {} }, run: () => null });
  expect(block("mermaid")).toBe(toMermaid(createAgent({ model: scriptedModel([]), tools: [checkStock] }).machine));
});
