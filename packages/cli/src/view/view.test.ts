import fc from "fast-check";
import { NO_USAGE } from "@orrery/chat";
import { stripVTControlCharacters } from "node:util";
import { changeLines } from "./change.ts";
import { descriptionLines } from "./description.ts";
import { inputText, moveLine, summaryLine, type Move } from "./lines.ts";
import { bytes, duration } from "./numbers.ts";
import { printable, printableLine } from "./printable.ts";
import { createStyle, wantsColor } from "./style.ts";
import { columns, fit, pad } from "./width.ts";

const plain = createStyle(false);
const colored = createStyle(true);
const days: Move = { tool: "days_between", input: { start: "2026-03-03", end: "2026-04-19" }, result: { output: { days: 47 } } };

test("moves stand in columns", () => {
  const lines = [
    moveLine(days, 80, plain),
    moveLine({ tool: "calculator", input: { expression: "47*24" }, result: { output: { result: 1128 } } }, 80, plain),
    moveLine({ tool: "read_file", input: { path: "notes.txt" }, result: { error: "file not found: notes.txt" } }, 100, plain),
  ];
  expect(lines).toEqual([
    "▸ days_between   2026-03-03 → 2026-04-19                47",
    "▸ calculator     47*24                                  1128",
    "▸ read_file      notes.txt                              ✗ file not found: notes.txt",
  ]);
});

test("colours add no visible character", () => {
  expect(stripVTControlCharacters(moveLine(days, 80, colored))).toBe(moveLine(days, 80, plain));
  expect(moveLine(days, 80, colored)).not.toBe(moveLine(days, 80, plain));
});

test("a narrow terminal gets the name and the result", () => {
  expect(moveLine(days, 40, plain)).toBe("▸ days_between  47");
  expect(moveLine({ ...days, result: { output: "x".repeat(100) } }, 30, plain)).toBe("▸ days_between  xxxxxxxxxxxxx…");
});

test("inputs read as people would say them", () => {
  expect(inputText({ value: 55.6, from_unit: "feet", to_unit: "meters" })).toBe("55.6  feet → meters");
  expect(inputText({ from_unit: "feet", to_unit: "meters", value: 55.6 })).toBe("55.6  feet → meters");
  expect(inputText({ values: [1, 2, 3], operation: "mean" })).toBe("[1, 2, 3]  mean");
  expect(inputText({ path: "a.txt", old: "x\ny", new: "z" })).toBe("a.txt  x⏎y → z");
  expect(inputText({ values: Array.from({ length: 20 }, (_, i) => i) })).toBe("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, and 8 more]");
  expect(inputText({})).toBe("");
});

test("no move is wider than the terminal, and none holds a control character", () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.dictionary(fc.string(), json),
      json,
      fc.integer({ min: 1, max: 200 }),
      fc.boolean(),
      (tool, input, output, width, failed) => {
        const result = failed ? { error: JSON.stringify(output) } : { output: output as string };
        const line = moveLine({ tool, input: input as Move["input"], result }, width, plain);
        expect(columns(line)).toBeLessThanOrEqual(Math.max(width, 3));
        // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      },
    ),
    {
      examples: [
        ["", {}, { toString: "" }, 1, false],
        ["", { a: { toString: "" } }, { toString: "" }, 1, true],
      ],
    },
  );
});

test("terminal tricks in a text become visible or vanish", () => {
  expect(printable("a\u001b[31mred\u001b[0m")).toBe("a␛[31mred␛[0m");
  expect(printable("safe\rEVIL")).toBe("safe␍EVIL");
  expect(printable("one\r\ntwo\tthree")).toBe("one\ntwo\tthree");
  expect(printable("\u009b2J\u202egnp.exe\u200b\u2066")).toBe("2Jgnp.exe");
  expect(printable("bell\u0007 del\u007f \ud800")).toBe("bell␇ del␡ \ufffd");
  expect(printableLine("a\nb\tc")).toBe("a⏎b c");
  expect(printable("日本語 👩‍👩‍👧 é")).toBe("日本語 👩‍👩‍👧 é");
});

test("text is measured and cut in columns", () => {
  expect(columns("日本")).toBe(4);
  expect(fit("日本語", 4)).toBe("日…");
  expect(fit("abc", 3)).toBe("abc");
  expect(fit("abcd", 3)).toBe("ab…");
  expect(fit("abc", 0)).toBe("");
  expect(fit("é".repeat(5), 3)).toBe("éé…");
  expect(pad("日本", 6)).toBe("日本  ");
  expect(fit("x".repeat(1_000_000), 10)).toBe("xxxxxxxxx…");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, width) =>
      expect(columns(fit(text, width))).toBeLessThanOrEqual(width),
    ),
  );
});

test("the summary says what was computed and what was reused", () => {
  const usage = { promptTokens: 412, cachedTokens: 351, computedTokens: 61, replyTokens: 60, forcedTokens: 24 };
  expect(summaryLine({ decisions: 3, illegal: 0, usage, milliseconds: 1900 })).toBe(
    "3 decisions, 0 illegal · 61 of 412 prompt tokens computed, the rest reused · 24 tokens forced · 1.9 s",
  );
  expect(
    summaryLine({ decisions: 1, illegal: 0, usage: { ...usage, computedTokens: 412, cachedTokens: 0, forcedTokens: 1 }, milliseconds: 12 }),
  ).toBe("1 decision, 0 illegal · 412 prompt tokens computed · 1 token forced · 12 ms");
  expect(summaryLine({ decisions: 1, illegal: 0, usage: NO_USAGE, milliseconds: 0 })).toBe("1 decision, 0 illegal · 0 ms");
});

test("amounts", () => {
  expect([999.4, 999.6, 1900, 59_940, 59_960, 125_000].map(duration)).toEqual([
    "999 ms",
    "1.0 s",
    "1.9 s",
    "59.9 s",
    "1 min 0 s",
    "2 min 5 s",
  ]);
  expect([0, 999, 1000, 132_100_000, 999_960_000].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "132.1 MB", "1.0 GB"]);
});

test("a preview shows what changes, and not more than a screenful", () => {
  expect(changeLines({ path: "a.txt", before: "one\ntwo\nthree\n", after: "one\n2\nthree\n" }, 80, plain)).toEqual([
    "a.txt  1 added, 1 removed",
    "   one",
    "  -two",
    "  +2",
    "   three",
  ]);
  expect(changeLines({ path: "new.txt", before: undefined, after: "hi\n" }, 80, plain)).toEqual(["new.txt  new file, 1 line", "  +hi"]);
  const long = changeLines({ path: "l", before: undefined, after: "x\n".repeat(1000) }, 80, plain);
  expect(long).toHaveLength(26);
  expect(long.at(-1)).toBe("  … 976 more lines");
  const different = changeLines({ path: "l", before: "a\n".repeat(3000), after: "b\n".repeat(3000) }, 80, plain);
  expect(different).toEqual(["l  rewritten: 3000 lines become 3000 lines"]);
  expect(changeLines({ path: "e\u001b[2J", before: "x", after: "\u001b]0;title\u0007" }, 80, plain).join("")).not.toContain("\u001b");
});

test("a description is one line a fact", () => {
  expect(
    descriptionLines({
      family: "granite-moe",
      parameters: { total: 161_208_000 },
      bytesOnDisk: 172_000_000,
      stop: [1, 2],
      stored: [{ type: "Q5_1", bytes: 5000 }],
    }),
  ).toEqual([
    "family            granite-moe",
    "parameters.total  161,208,000",
    "bytesOnDisk       172.0 MB",
    "stop              1, 2",
    "stored            Q5_1 bytes 5.0 kB",
  ]);
});

test("colours are for terminals that want them", () => {
  expect(wantsColor({ isTTY: true }, {}, false)).toBe(true);
  expect(wantsColor({}, {}, false)).toBe(false);
  expect(wantsColor({ isTTY: true }, { NO_COLOR: "1" }, false)).toBe(false);
  expect(wantsColor({ isTTY: true }, { NO_COLOR: "" }, false)).toBe(true);
  expect(wantsColor({ isTTY: true }, { TERM: "dumb" }, false)).toBe(false);
  expect(wantsColor({ isTTY: true }, {}, true)).toBe(false);
});
