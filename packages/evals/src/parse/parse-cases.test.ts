/** The cases of the text parser: none lost, none invented, however the text is cut. And the measure sees a parser that errs. */
import { readParseCases, type ParseCase } from "./parse-case.ts";
import { isRight, runParseCase } from "./parse-run.ts";

const FILE = new URL("../../fixtures/parse-cases.jsonl", import.meta.url);
const cases = readParseCases(FILE);

test("there are cases of every format", () => {
  expect(cases.length).toBeGreaterThanOrEqual(150);
  expect(new Set(cases.map(({ format }) => format)).size).toBe(5);
});

test.each(cases.map((one) => [`${one.line} ${one.format}: ${one.name ?? ""}`, one] as const))("%s", (_, one) => {
  const { lost, invented, differs } = runParseCase(one);
  expect({ lost, invented, differs }).toEqual({ lost: [], invented: [], differs: [] });
});

describe("a case counts", () => {
  const parseCase = (text: string, calls: ParseCase["calls"]): ParseCase => ({ text, calls, format: "gemma4", line: 1 });
  const two = "<|tool_call>call:f{a:1,b:{d:2,c:3}}<tool_call|><|tool_call>call:g{}<tool_call|>";
  const f = { name: "f", arguments: { b: { c: 3, d: 2 }, a: 1 } };
  const g = { name: "g", arguments: {} };

  test("as right when all its calls are found, in any order of keys", () => {
    const result = runParseCase(parseCase(two, [g, f]));
    expect(result).toMatchObject({ right: 2, lost: [], invented: [], differs: [] });
    expect(isRight(result)).toBe(true);
  });

  test("a call that is not found as lost, and one that was not expected as invented", () => {
    const other = { name: "f", arguments: { a: "1", b: { c: 3, d: 2 } } };
    const result = runParseCase(parseCase(two, [other, g, g]));
    expect(result).toMatchObject({ right: 1, lost: [other, g], invented: [{ name: "f" }] });
    expect(isRight(result)).toBe(false);
  });
});

test("a file that holds no cases is refused", () => {
  expect(() => readParseCases(new URL("none.jsonl", FILE))).toThrow(expect.objectContaining({ code: "eval/bad-file" }));
  expect(() => readParseCases(new URL("README.md", FILE))).toThrow(expect.objectContaining({ code: "eval/bad-line" }));
});
