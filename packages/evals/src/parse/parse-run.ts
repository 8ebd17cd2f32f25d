/**
 * One case through the text parser, whole and in pieces. In: a case. Out: the calls found, lost and invented, and whether every way of
 * cutting gave the same parts. Law: a call is found when its name and its arguments are equal, whatever the order of keys; each call
 * counts once.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import { createTextReplyParser, type ReplyPart } from "@orrery/runtime";
import type { ParseCase } from "./parse-case.ts";

export interface FoundCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Characters in a piece; the whole text is the first way. */
export const PIECES = [Infinity, 1, 3, 17] as const;

export interface CaseResult {
  readonly case: ParseCase;
  /** Of the way that did worst. */
  readonly right: number;
  readonly lost: readonly FoundCall[];
  readonly invented: readonly FoundCall[];
  /** Pieces whose parts were other than those of the whole text. */
  readonly differs: readonly number[];
}

export function runParseCase(parseCase: ParseCase): CaseResult {
  const ways = PIECES.map((size) => ({ size, parts: partsOf(parseCase, size) }));
  const whole = JSON.stringify(ways[0]?.parts);
  const scores = ways.map(({ parts }) => score(parseCase.calls, parts.flatMap(callOf)));
  const worst = scores.reduce((a, b) => (b.lost.length + b.invented.length > a.lost.length + a.invented.length ? b : a));
  const differs = ways.filter(({ parts }) => JSON.stringify(parts) !== whole).map(({ size }) => size);
  return { case: parseCase, ...worst, differs };
}

export function isRight({ lost, invented, differs }: CaseResult): boolean {
  return lost.length === 0 && invented.length === 0 && differs.length === 0;
}

/** The parts of a case's text, cut into pieces; neighbouring deltas of one kind joined. */
export function partsOf({ text, format }: ParseCase, size: number): ReplyPart[] {
  const parser = createTextReplyParser(format);
  const parts: ReplyPart[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(...parser.push(text.slice(at, at + size)));
  parts.push(...parser.end());
  return joined(parts);
}

function joined(parts: readonly ReplyPart[]): ReplyPart[] {
  const runs: { readonly part: ReplyPart; readonly texts: string[] }[] = [];
  for (const part of parts) {
    const last = runs.at(-1);
    if ("text" in part && last?.part.type === part.type) last.texts.push(part.text);
    else runs.push({ part, texts: "text" in part ? [part.text] : [] });
  }
  return runs.map(({ part, texts }) => ("text" in part ? { ...part, text: texts.join("") } : part));
}

function callOf(part: ReplyPart): FoundCall[] {
  return part.type === "tool-call" ? [{ name: part.name, arguments: part.input }] : [];
}

function score(expected: readonly FoundCall[], found: readonly FoundCall[]): Pick<CaseResult, "right" | "lost" | "invented"> {
  const waiting = found.map((call) => ({ call, key: keyOf(call) }));
  const lost = expected.filter((call) => {
    const key = keyOf(call);
    const at = waiting.findIndex((one) => one.key === key);
    if (at >= 0) waiting.splice(at, 1);
    return at < 0;
  });
  return { right: expected.length - lost.length, lost, invented: waiting.map(({ call }) => call) };
}

function keyOf(call: FoundCall): string {
  return JSON.stringify([call.name, sorted(call.arguments)]);
}

/** With the keys of every object in one order. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, item]): [string, Json][] => (item === undefined ? [] : [[key, sorted(item)]]));
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
