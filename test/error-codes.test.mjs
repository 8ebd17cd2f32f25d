/** docs/errors.md and the sources name the same error codes. In: both texts. Out: what stands in one of them only. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Areas, in the order of the document's headings. `literature`, `shop` and `coder` are examples'. */
const AREAS =
  "chat runtime hub checkpoint graph export session precision tokenizer prompt constraint agent tool mcp cli eval goldens literature shop coder".split(
    " ",
  );
const CODE = `(?:${AREAS.join("|")})/[a-z]+(?:-[a-z]+)*`;

/** Sources that ship: no tests, and no folder of helpers for tests that the package keeps to itself. */
function sourcesOf(group) {
  return readdirSync(join(root, group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const src = join(root, group, name, "src");
      try {
        const files = readdirSync(src, { withFileTypes: true, recursive: true });
        return shipsTesting(join(root, group, name)) ? files : files.filter(({ parentPath }) => !/[\\/]testing\b/.test(parentPath));
      } catch (error) {
        if (error.code === "ENOENT") return [];
        throw error;
      }
    })
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name) && !/\.test\.|\.d\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](fixtures|dist|node_modules)[\\/]/.test(file))
    .map((file) => ({ name: relative(root, file).split(sep).join("/"), text: withoutImports(readFileSync(file, "utf8")) }));
}

function shipsTesting(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).exports?.["./testing"] !== undefined;
}

/** Module names can look like codes ("agent/testing"). */
function withoutImports(text) {
  return text.replace(/\b(from|import)\s*\(?\s*["'][^"'\n]+["']/g, "");
}

const sources = ["packages", "examples"].flatMap(sourcesOf);

/** Codes in quotes. The whole string must be the code, so a path or a media type with more in it is none. */
function quoted({ text }) {
  return [...text.matchAll(new RegExp(`([!=]==?\\s*|\\bcase\\s+)?(["'\`])(${CODE})\\2`, "g"))]
    .filter((match) => match[2] !== "`" || !isComment(text, match.index))
    .map((match) => ({ code: match[3], compared: match[1] !== undefined }));
}

/** In a comment, backticks are mark-up. */
function isComment(text, index) {
  return /^\s*\/?\*|\/\/|\/\*/.test(text.slice(text.lastIndexOf("\n", index) + 1, index));
}

/**
 * Codes made of an area and a parameter: `area/${code}` in a function whose calls have the rest as their first argument. A place that
 * cannot be resolved gives its own text, which no document has.
 */
function assembled({ text, name }) {
  return [...text.matchAll(new RegExp(`\`(${AREAS.join("|")})/\\$\\{(\\w+)\\}\``, "g"))].flatMap(([whole, area, parameter], index) => {
    const declared = [...text.matchAll(new RegExp(`([#\\w]+)\\(${parameter}: string\\b`, "g"))].map((match) => match[1]);
    const words = declared.flatMap((helper) => [...text.matchAll(new RegExp(`(?<![#\\w])${helper}\\(\\s*["']([a-z-]+)["']`, "g"))]);
    return words.length > 0 ? words.map((match) => `${area}/${match[1]}`) : [`${name}: ${whole} (${index})`];
  });
}

/** Names of the classes that extend `OrreryError`, however far. */
function errorClasses() {
  const parents = sources.flatMap(({ text }) => [...text.matchAll(/\bclass (\w+) extends (\w+)/g)].map((match) => [match[1], match[2]]));
  const found = new Set(["OrreryError"]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [name, parent] of parents) if (found.has(parent)) found.add(name);
  }
  return [...found];
}

/** Rows of the document's tables: | `code` | what is wrong | what to do | */
const rows = [];
let heading = "";
for (const line of readFileSync(join(root, "docs/errors.md"), "utf8").split("\n")) {
  if (line.startsWith("## ")) heading = line.slice(3).trim();
  const cells = /^\| `([^`]+)` \|(.*)\|\s*$/.exec(line);
  if (cells) rows.push({ heading, code: cells[1], text: cells[2].split("|").map((cell) => cell.trim()) });
}

const unique = (list) => [...new Set(list)].sort();
const mentioned = sources.flatMap(quoted);
const raised = unique([...mentioned.filter(({ compared }) => !compared).map(({ code }) => code), ...sources.flatMap(assembled)]);
const documented = rows.map(({ code }) => code);

test("every area has codes in the sources", () => {
  expect(AREAS.filter((area) => !raised.some((code) => code.startsWith(`${area}/`)))).toEqual([]);
});

test("every code of the sources stands in docs/errors.md", () => {
  expect(raised.filter((code) => !documented.includes(code))).toEqual([]);
});

test("every code of docs/errors.md is raised by a source", () => {
  expect(documented.filter((code) => !raised.includes(code))).toEqual([]);
});

test("every code that a source compares with is raised by a source", () => {
  expect(unique(mentioned.map(({ code }) => code).filter((code) => !raised.includes(code)))).toEqual([]);
});

test("every code that a comment names is raised by a source", () => {
  const named = sources.flatMap(({ name, text }) => [...text.matchAll(new RegExp(`\`(${CODE})\``, "g"))].map((match) => [name, match[1]]));
  const form = /\/what-is-wrong$/; // stands for any
  expect(named.filter(([, code]) => !raised.includes(code) && !form.test(code))).toEqual([]);
});

test("every text given first to an error class is a code of a known area", () => {
  const first = new RegExp(`\\bnew (?:${errorClasses().join("|")})\\(\\s*(["'\`])((?:\\\\.|(?!\\1).)*)\\1`, "gs");
  const known = new RegExp(`^(?:${CODE}|(?:${AREAS.join("|")})/\\$\\{\\w+\\})$`);
  const wrong = sources
    .flatMap(({ name, text }) => [...text.matchAll(first)].map((match) => [name, match[2]]))
    .filter(([, code]) => !known.test(code));
  expect(wrong).toEqual([]);
});

test("a row stands once, under the heading of its area, and says what is wrong and what to do", () => {
  const wrong = rows.filter(
    ({ heading: area, code, text }, at) =>
      !code.startsWith(`${area}/`) || documented.indexOf(code) !== at || text.length !== 2 || text.some((cell) => !/[.]$/.test(cell)),
  );
  expect(wrong).toEqual([]);
});

test("headings are the areas", () => {
  expect(unique(rows.map(({ heading: area }) => area))).toEqual(unique(AREAS));
});
