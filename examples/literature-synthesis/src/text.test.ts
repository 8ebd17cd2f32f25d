import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseAbstract } from "./abstract.ts";
import { problemOfQuote, quotesFrom } from "./quotes.ts";
import { plain, reportOf } from "./report.ts";
import { summaryOf } from "./summary.ts";
import { OWN_ABSTRACTS } from "./folder.ts";
import { shown } from "./view.ts";
import { phrasesOf, searchWords } from "./words.ts";

const matches = (schema: { readonly pattern?: unknown }, text: string): boolean => new RegExp(String(schema.pattern), "u").test(text);

test("phrases are pieces of the question that begin and end with words that say something", () => {
  expect(phrasesOf("Do street trees cool the air?")).toEqual([
    "street trees cool the air",
    "street trees cool",
    "trees cool the air",
    "trees cool",
    "street trees",
    "cool the air",
  ]);
  expect(phrasesOf("What about bees?")).toEqual(["bees"]);
  expect(phrasesOf("mowing, and then bees")).toEqual(["bees", "mowing"]);
  expect(phrasesOf("What is it?")).toEqual([]);
});

test("phrases are bounded and word for word, whatever the question", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (question) => {
      const phrases = phrasesOf(question);
      expect(phrases.length).toBeLessThanOrEqual(60);
      for (const phrase of phrases) expect(question.includes(phrase) && searchWords(phrase).length > 0).toBe(true);
    }),
  );
});

test("a quote has a word of the question and says what was found, where the text has such a sentence", () => {
  const method = "During one summer we measured the air below forty street trees in two cities.";
  const finding = "Air below the trees was on average 1.3 degrees cooler than air in the open.";
  const other = "Nobody complained about the instruments that we had put on their balconies.";
  const schema = (text: string) => quotesFrom(text, "Do street trees cool the air?")!;
  expect(schema([method, finding, other].join(" "))).toMatchObject({ allOf: [{ pattern: expect.any(String) }], not: { anyOf: [{}, {}] } });
  expect(schema(method)).toMatchObject({ substringOf: method, not: { pattern: expect.any(String) } });
  expect(matches(schema(finding), finding)).toBe(true);
  expect(matches(schema(finding), finding.slice(0, -30))).toBe(false);
  expect(quotesFrom("no capital letter, and no end of a sentence that would be long enough", "air")).toBeUndefined();
  expect(quotesFrom("Short. Too. So is this.", "air")).toBeUndefined();
});

test("each abstract of the example has a sentence to quote", () => {
  for (const name of readdirSync(OWN_ABSTRACTS).filter((each) => each.endsWith(".txt"))) {
    const found = parseAbstract(name.slice(0, -4), readFileSync(join(OWN_ABSTRACTS, name), "utf8"));
    expect("problem" in found ? found.problem : quotesFrom(found.text, "bees and cool air")).toBeInstanceOf(Object);
  }
});

test("a quote is verbatim or refused", () => {
  expect(problemOfQuote("cool", "a cool street")).toBeUndefined();
  for (const quote of ["Cool", "a  cool", ""]) expect(problemOfQuote(quote, "a cool street")).toBeDefined();
});

test("a summary has only words and numbers of the question and the quotes", () => {
  const schema = summaryOf("Do trees cool the air?", ["Air was 1.3 °C cooler (by 5%) under lime-trees."]);
  const may = (text: string) => matches(schema, text);
  expect(may("Air under lime-trees was 1.3 °C cooler, and trees cool the air.")).toBe(true);
  expect([
    may("Air was 1.4 °C cooler."),
    may("Air was 13 °C cooler."),
    may("Trees kill."),
    may("trees cool the air"),
    may("Air  was."),
  ]).toEqual(Array(5).fill(false));
  expect(() => new RegExp(String(summaryOf("a (b [c", ["*x* +y {2} \\d | z^ $5"]).pattern), "u")).not.toThrow();
});

const library = {
  size: 2,
  read: (id: string) => ({ id, title: `On <${id}> [x](http://evil.example)`, authors: ["A_B"], year: 2000, text: "" }),
};

test("a report has its quotes, numbered, their references, and how they were found", () => {
  const report = reportOf({
    question: "Do trees cool?",
    library,
    facts: {
      searches: ["trees cool"],
      seen: { P2: "b", P1: "a" },
      read: { P2: "…", P1: "…" },
      claims: [
        { id: "P2", quote: "It was 1.3 °C cooler." },
        { id: "P1", quote: "Nothing changed." },
      ],
      synthesis: { cites: ["P1", "P2"], summary: "Trees cool, or nothing changed." },
    },
  });
  expect(report).toContain("# Do trees cool?\n\nTrees cool, or nothing changed. [1][2]\n");
  expect(report).toContain(
    "> It was 1.3 °C cooler. [2]\n\n> Nothing changed. [1]\n\n## References\n\n- [1] A\\_B (2000). *On \\<P1\\> \\[x\\](http:\\/\\/evil.example)*. P1\n- [2]",
  );
  expect(report).toContain("- searched 2 abstracts for: “trees cool”\n- found: P2, P1\n- read: P2, P1\n");
});

test("a summary that only repeats a quote, or is not there, is left out; a report without claims says so", () => {
  const claims = [{ id: "P1", quote: "Nothing changed." }];
  const facts = { searches: [], seen: {}, read: {}, claims, synthesis: { cites: ["P1"], summary: "Nothing changed." } };
  expect(reportOf({ question: "q", library, facts })).not.toContain("the model's");
  expect(reportOf({ question: "q", library, facts: { ...facts, claims: [], synthesis: null } })).toContain(
    "Nothing that was read could be quoted.",
  );
});

test("text of others cannot become Markdown, HTML or a command of the terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(plain(text).replace(/\\[^a-z0-9\s]/gi, "")).not.toMatch(/[`*_[\]<>&|~#!\n]|:\/\/|www\.[a-z]/i);
      expect(plain(text).replace(/\\([^a-z0-9\s])/gi, "$1")).toBe(text.replace(/\s+/g, " "));
      expect(shown(text)).not.toMatch(/[\p{Cc}\u202A-\u202E]/u);
    }),
  );
});
