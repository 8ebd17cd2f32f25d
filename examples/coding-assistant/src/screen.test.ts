import { changeLines, linesOf, printable } from "./screen.ts";

test("a change is shown by its lines, with one on either side", () => {
  const text = "one\ntwo < 3\nthree\n";
  expect(changeLines(text, { path: "a.js", old: "two <", new: "two <=" })).toEqual([
    "  a.js:2",
    "      one",
    "    - two < 3",
    "    + two <= 3",
    "      three",
  ]);
  expect(changeLines(text, { path: "a.js", old: "one\nt", new: "t" })).toEqual([
    "  a.js:1",
    "    - one",
    "    - two < 3",
    "    + two < 3",
    "      three",
  ]);
  expect(changeLines(text, { path: "a.js", old: "four", new: "" })).toEqual([]);
});

test("what models, files and tests say cannot steer the terminal", () => {
  expect(printable("a\u001b[2Jb\u202ec\n")).toBe("a\\u{1b}[2Jb\\u{202e}c\\u{a}");
  const call = { id: "1", name: "run_tests", input: {} };
  const output = { passed: 0, failed: 1, failures: [{ test: "\u001b[31mred", file: "a", error: "Error: \u0007" }] };
  expect(linesOf({ type: "tool-end", call, output }).join("")).not.toMatch(/\p{Cc}/u);
  expect(printable("x".repeat(1000))).toHaveLength(121);
});
