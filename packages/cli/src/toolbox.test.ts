import { tmpdir } from "node:os";
import { chooseTools, namedTools } from "./toolbox.ts";
import { builtinTools } from "./tools/builtin.ts";
import type { BuiltinTool } from "./tools/builtin-tool.ts";
import { openWorkspace } from "@orrery/files";

let tools: readonly BuiltinTool[];
beforeAll(async () => {
  tools = builtinTools(await openWorkspace(tmpdir()), () => new Date(0));
});

const names = (chosen: readonly BuiltinTool[]): string[] => chosen.map(({ tool }) => tool.name);

test.each([
  ["How many days are there between 2026-03-03 and 2026-04-19, and how many hours is that?", ["days_between", "calculator"]],
  ["How many days are there between 2026-03-03 and 2026-04-19? Convert the total to hours.", ["days_between", "convert_units"]],
  ["What is 47 * 24?", ["calculator"]],
  ["What is 12% of 340?", ["calculator"]],
  ["What is 55.6 feet in meters?", ["convert_units"]],
  ["Convert 100 °F to celsius", ["convert_units"]],
  ["How many kilometers is a 26.2 mile race?", ["convert_units"]],
  ["What date is 45 days after 2026-02-11?", ["date_add"]],
  ["Which weekday is 2024-04-28?", ["get_weekday"]],
  ["What time is it in Tokyo?", ["get_time"]],
  ["What is the median of 3, 9, 4 and 11?", ["stats"]],
  ["Find the mean of 2, 4, 6", ["stats"]],
  ["List the files in src", ["list_files"]],
  ["What does notes.txt say?", ["read_file"]],
  ["Set batch_size to 2 in tests/cache.yaml", ["read_file", "edit_file"]],
  ['Write "build q3U6Tz" to docs/parser.txt', ["write_file"]],
  ["Fix the misspelled word recieve in report.md", ["read_file", "edit_file"]],
  ["Search the files for the word milk", ["search_files"]],
])("%s", (task, wanted) => {
  const chosen = names(chooseTools(task, tools));
  expect(chosen).toEqual(expect.arrayContaining(wanted));
  expect(chosen.length).toBeLessThanOrEqual(5);
});

test("a task that no tool fits gets a small general set", () => {
  expect(names(chooseTools("Hello there!", tools))).toEqual(["calculator", "convert_units", "days_between"]);
});

test("the same task gets the same tools in the same order, whatever its length", () => {
  const task = "What time is it in Oslo? ".repeat(10_000);
  expect(names(chooseTools(task, tools))).toEqual(names(chooseTools(task, tools)));
});

test("a follow-up keeps the tools it has; another task adds its own", () => {
  const first = names(chooseTools("What time is it in Tokyo?", tools));
  expect(names(chooseTools("And in Buenos Aires?", tools, first))).toEqual(first);
  const second = names(chooseTools("What is 47 * 24?", tools, first));
  expect(second).toContain("calculator");
  expect(second).toContain("get_time");
  expect(second.length).toBeLessThanOrEqual(6);
});

test("--tools names tools, or all", () => {
  expect(names(namedTools("get_time, calculator,get_time", tools))).toEqual(["get_time", "calculator"]);
  expect(namedTools("all", tools)).toHaveLength(tools.length);
  expect(() => namedTools("calculator,rm", tools)).toThrow(
    expect.objectContaining({ code: "cli/unknown-tool", message: "there is no tool 'rm'" }),
  );
  expect(() => namedTools(" , ", tools)).toThrow(expect.objectContaining({ code: "cli/unknown-tool" }));
});
