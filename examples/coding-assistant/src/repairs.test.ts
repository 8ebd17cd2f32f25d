import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { repairsOf } from "./repairs.ts";
import { declarationsOf, testsIn, tokensOf, usedBy } from "./source.ts";

const repo = (path: string): Promise<string> => readFile(new URL(`../repo/${path}`, import.meta.url), "utf8");
const news = (text: string, task = "", told = ""): string[] => repairsOf(text, { task, told }).map((repair) => repair.new);

test.each([
  ["if (a < b) stop();", "a <= b"],
  ["return a && b;", "a || b"],
  ["const n = items.length - 1;", "length + 1"],
  ["const n = x % 7;", "x % 8"],
  ["return word.toLowerCase();", "word.toUpperCase"],
])("%s has the repair %s", (text, wanted) => {
  expect(news(text)).toContain(wanted);
});

test("numbers, texts and names come from what was said", () => {
  expect(news("const RATE = 16;", "Set RATE to 19")).toContain("RATE = 19");
  expect(repairsOf("const RATE = 16;", { task: "Set RATE to 19", told: "" }).filter(({ said }) => said)).toEqual([
    { at: 13, old: "const RATE = 16".slice(6), new: "RATE = 19", said: true },
  ]);
  expect(news('join("_")', 'use "-" here')).toContain('join("-"');
  expect(news("return lists.push(list) + list + lists;", "", "TypeError: lists.push is not a function")).toContain("return list");
  expect(news("return text.lenght;")).toContain("text.length");
});

test("whatever the text, what is replaced stands in it once, and something changes", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    "<",
    "<=",
    " ",
    "\n",
    "1",
    "42",
    '"-"',
    "'x'",
    "(",
    ")",
    "+",
    "&&",
    "true",
    "/*",
    "*/",
    "//",
    "$&",
    "lenght",
    ".",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 30 }).map((parts) => parts.join("")),
        fc.string({ unit: "binary", maxLength: 60 }),
      ),
      fc.string(),
      (text, task) => {
        for (const repair of repairsOf(text, { task, told: "" })) {
          expect(text.split(repair.old)).toHaveLength(2);
          expect(repair.new).not.toBe(repair.old);
        }
      },
    ),
  );
});

test("comments are no tokens, strings are one", () => {
  expect(tokensOf('a /* < */ <= "x < y" // <').map(({ text }) => text)).toEqual(["a", "<=", '"x < y"']);
});

test("who uses whom follows imports, and no parameter of the same name", async () => {
  const texts = [await repo("src/cart.js"), await repo("src/price.js")];
  expect([...usedBy(["total"], texts)].sort()).toEqual(["FREE_SHIPPING_FROM", "SHIPPING", "discount", "shipping", "subtotal", "total"]);
  expect([...usedBy(["shipping", "nothing"], texts)].sort()).toEqual(["FREE_SHIPPING_FROM", "SHIPPING", "shipping"]);
  expect(declarationsOf(texts[1]!).map(({ name }) => name)).toEqual([
    "TAX_RATE",
    "FREE_SHIPPING_FROM",
    "SHIPPING",
    "withTax",
    "discount",
    "shipping",
    "format",
  ]);
  expect(testsIn(await repo("test/list.test.js"))["last is the item at the end"]).toEqual(expect.arrayContaining(["last", "assert"]));
});
