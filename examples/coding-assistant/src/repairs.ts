/**
 * Small changes of a text: another operator, another number, a name spelt right. In: a file's text, words that were said. Out: pieces
 * that stand in the text exactly once, each with what may stand in its place. Law: pure, in the order of the text.
 */
import { namesIn, tokensOf, type Token } from "./source.ts";

export interface Repair {
  /** Where the change is in the text. */
  readonly at: number;
  readonly old: string;
  readonly new: string;
  /** Does the task name what comes in? */
  readonly said: boolean;
}

export interface Said {
  readonly task: string;
  /** What the tests expected and got. */
  readonly told: string;
}

const GROUPS: readonly (readonly string[])[] = [
  ["<", "<=", ">", ">="],
  ["===", "!=="],
  ["+", "-", "*", "/"],
  ["+=", "-="],
  ["&&", "||"],
  ["true", "false"],
  ["min", "max"],
  ["floor", "ceil", "round"],
  ["toLowerCase", "toUpperCase"],
  ["push", "unshift"],
  ["pop", "shift"],
  ["some", "every"],
  ["start", "end"],
];
/** Off by one is a slip of small numbers. */
const SMALL = 100;
const NONE: ReadonlySet<string> = new Set();
/** Alternatives of one token. */
const MOST = 6;

/** All of them: the caller chooses where to look. */
export function repairsOf(text: string, { task, told }: Said): readonly Repair[] {
  const tokens = tokensOf(text);
  const known = new Set(
    [...tokens.filter(({ kind }) => kind === "name").map(({ text: name }) => name), ...MEMBERS].filter((name) => !KEYWORDS.has(name)),
  );
  const times = new Map<string, number>();
  for (const { text: name } of tokens) times.set(name, (times.get(name) ?? 0) + 1);
  const blamed = namesIn(told);
  /** A slip of spelling stands alone, or an error names it. */
  const suspicious = ({ text: name }: Token): boolean => (times.get(name) === 1 && !MEMBERS.includes(name)) || blamed.has(name);
  const words = new Set(task.match(WORD) ?? []);
  const all: Repair[] = [];
  for (const [i, token] of tokens.entries()) {
    if (KEYWORDS.has(token.text) || DECLARING.has(tokens[i - 1]?.text ?? "")) continue;
    const others = alternatives(token, { known: suspicious(token) ? known : NONE, said: `${task}\n${told}` }).slice(0, MOST);
    const piece = others.length > 0 ? uniquePiece(text, tokens, i) : undefined;
    if (piece === undefined) continue;
    const before = piece.text.slice(0, token.at - piece.from);
    const after = piece.text.slice(before.length + token.text.length);
    for (const to of others) all.push({ at: token.at, old: piece.text, new: before + to + after, said: words.has(to) });
  }
  return all;
}

/** Names, numbers, texts in quotes, and signs between spaces or before a full stop. */
const WORD = /[A-Za-z_$][\w$]*|\d+(?:\.\d+)?|(?<=\s)[^\w\s'"`]+(?=[\s.])|"[^"]*"/g;

function alternatives(token: Token, { known, said }: { known: ReadonlySet<string>; said: string }): string[] {
  const group = GROUPS.find((each) => each.includes(token.text))?.filter((each) => each !== token.text) ?? [];
  if (token.kind === "number") return numbers(token.text, said);
  if (token.kind === "string") return strings(token.text, said);
  if (token.kind === "name") return [...new Set([...group, ...spellings(token.text, known)])];
  return group;
}

/** Those that were said, then the neighbours. */
function numbers(text: string, said: string): string[] {
  const value = Number(text.replaceAll("_", ""));
  const mentioned = said.match(/(?<![\w.])\d+(?:\.\d+)?(?![\w]|\.\d)/g) ?? [];
  const near = Number.isInteger(value) && value < SMALL ? [value - 1, value + 1].filter((n) => n >= 0).map(String) : [];
  return [...new Set([...mentioned, ...near])].filter((other) => Number(other) !== value);
}

/** Texts in quotes that were said, and of a text without letters the signs that were said between words. */
function strings(text: string, said: string): string[] {
  const quote = text[0]!;
  const quoted = [...said.matchAll(/"([^"\n]{0,40})"/g)].map(([, inner]) => inner!);
  const signs = /\w/.test(text) ? [] : (said.match(/(?<=\w)[^\w\s'"`]+(?=\w)|(?<=\w)[^\w\s'"`]{2,}(?=['"`])/g) ?? []);
  return [...new Set([...quoted, ...signs])]
    .filter((inner) => !/[\\\n]/.test(inner) && !inner.includes(quote))
    .map((inner) => quote + inner + quote)
    .filter((other) => other !== text);
}

/** Names of the file, and usual members, that differ by at most two letters and at most a third of them. */
function spellings(name: string, known: ReadonlySet<string>): string[] {
  const most = Math.min(2, Math.floor(name.length / 3));
  return most === 0 ? [] : [...known].filter((other) => other !== name && distance(name, other, most) <= most);
}

/** A name behind them is being declared: a slip there would be everywhere. */
const DECLARING = new Set(["function", "const", "let", "var", "class"]);
const KEYWORDS = new Set([...DECLARING, ..."export import from return new for of in if else throw typeof await async default".split(" ")]);
const MEMBERS = "length push filter map reduce slice includes join split trim replaceAll toFixed keys values entries concat indexOf".split(
  " ",
);

/** Letters inserted, left out, changed or swapped with their neighbour. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swap));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The token with as much around it, on its line, as tells it from all else in the file. */
function uniquePiece(text: string, tokens: readonly Token[], i: number): { text: string; from: number } | undefined {
  const lineOf = (token: Token): number => text.lastIndexOf("\n", token.at);
  const line = lineOf(tokens[i]!);
  const on = (j: number): boolean => tokens[j] !== undefined && lineOf(tokens[j]) === line;
  const left = (j: number): number => (on(j - 1) ? j - 1 : j);
  const right = (j: number): number => (on(j + 1) ? j + 1 : j);
  // What belongs to the token first: both operands of an operator, the name of a number.
  let [first, last] = tokens[i]!.kind === "sign" ? [left(i), right(i)] : [left(left(i)), i];
  for (;;) {
    const from = tokens[first]!.at;
    const piece = text.slice(from, tokens[last]!.at + tokens[last]!.text.length);
    if (text.indexOf(piece) === text.lastIndexOf(piece)) return { text: piece, from };
    if (left(first) === first && right(last) === last) return undefined;
    [first, last] = [left(first), right(last)];
  }
}
