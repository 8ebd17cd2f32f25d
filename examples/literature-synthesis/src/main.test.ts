import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { linesOf } from "./view.ts";

const bin = fileURLToPath(new URL("../bin/literature.js", import.meta.url));
const literature = (...args: string[]) =>
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", bin, ...args], { encoding: "utf8" });

test.each([
  [[], "a question must have a word to search with"],
  [["--wrong", "x"], "Unknown option '--wrong'"],
  [["street trees", "--folder", "no/such/folder"], "cannot be listed"],
])("%j is told in a sentence, and the exit code is 2", (args, message) => {
  const { status, stdout, stderr } = literature(...args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
  expect(stderr.trim().split("\n")).toHaveLength(2);
});

const call = (name: string, input: Record<string, string>) => ({ id: "1", name, input });

test("events become lines that fit the terminal and cannot command it", () => {
  const view = { verbose: false, width: 30 };
  const papers = [{ id: "P1", title: "Red \u001b[31m roofs\nand more words than fit" }];
  expect(linesOf({ type: "tool-end", call: call("search_papers", { query: "roofs" }), output: { papers } }, view)).toEqual([
    "⌕ roofs",
    "  P1  Red \\u001b[31m roofs\\u0…",
  ]);
  expect(linesOf({ type: "tool-end", call: call("search_papers", { query: "x" }), output: { papers: [] } }, view)[1]).toBe(
    "  nothing found",
  );
  expect(linesOf({ type: "tool-end", call: call("add_claim", { id: "P1", quote: "Cool." }), output: "noted" }, view)).toEqual([
    "❝ Cool. [P1]",
  ]);
  const error = { code: "x", message: "no\u0007" };
  expect(linesOf({ type: "tool-error", call: call("read_paper", { id: "P1" }), error }, { ...view, verbose: true })).toEqual([
    '✗ read_paper {"id":"P1"}: no\\u0007',
  ]);
});
