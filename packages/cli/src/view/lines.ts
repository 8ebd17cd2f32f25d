/**
 * The lines of the view as pure functions: moves and the summary. In: what happened, and a width in columns. Out: text without line
 * feeds, never wider than the width; colours come from the {@link Style}.
 *
 *     ▸ days_between   2026-03-03 → 2026-04-19                47
 *     ▸ read_file      notes.txt                              ✗ file not found: notes.txt
 */
import { isJsonObject, type Json, type JsonObject, type Usage } from "@orrery/chat";
import { printableLine } from "./printable.ts";
import { amount, duration } from "./numbers.ts";
import type { Style } from "./style.ts";
import { columns, fit, pad } from "./width.ts";

const NAME_COLUMNS = 14;
const INPUT_COLUMNS = 38;
/** Below this the line has no room for columns side by side. */
const NARROW = 60;
/** Wider lines are hard to follow with the eye. */
const MAX_COLUMNS = 110;
/** Values of one object that are shown. */
const MAX_VALUES = 12;

/** Inputs that read as "from → to". */
const PAIRS: readonly (readonly [string, string])[] = [
  ["start", "end"],
  ["from", "to"],
  ["from_unit", "to_unit"],
  ["old", "new"],
];

export interface Move {
  readonly tool: string;
  readonly input: JsonObject;
  readonly result: { readonly output: Json } | { readonly error: string };
}

/** One finished move. */
export function moveLine(move: Move, width: number, style: Style): string {
  const room = Math.min(width, MAX_COLUMNS);
  const name = fit(printableLine(move.tool), Math.max(1, room - 2));
  const failed = "error" in move.result;
  const result = "error" in move.result ? `✗ ${printableLine(move.result.error)}` : valueText(move.result.output);
  const paint = failed ? style.red : style.bold;
  if (room < NARROW) {
    const rest = room - columns(name) - 4;
    if (rest < 1) return `${style.cyan("▸")} ${name}`;
    return `${style.cyan("▸")} ${name}  ${paint(fit(result, rest))}`;
  }
  const input = fit(inputText(move.input), INPUT_COLUMNS);
  const head = `${pad(name, NAME_COLUMNS)} ${pad(input, INPUT_COLUMNS)} `;
  const rest = room - columns(head) - 2;
  if (rest < 1) return `${style.cyan("▸")} ${name}`;
  return `${style.cyan("▸")} ${pad(name, NAME_COLUMNS)} ${style.dim(pad(input, INPUT_COLUMNS))} ${paint(fit(result, rest))}`;
}

/** An input's values. Two that belong together come last, joined by an arrow: models write keys by the alphabet, people do not. */
export function inputText(input: JsonObject): string {
  const pairs = PAIRS.filter(([first, second]) => Object.hasOwn(input, first) && Object.hasOwn(input, second));
  const paired = new Set(pairs.flat());
  const single = Object.keys(input).filter((key) => !paired.has(key));
  return [
    ...single.slice(0, MAX_VALUES).map((key) => valueText(input[key])),
    ...pairs.map(([first, second]) => `${valueText(input[first])} → ${valueText(input[second])}`),
  ].join("  ");
}

/** A JSON value in one line: an object's values without their keys, a list in brackets, text bare. */
export function valueText(value: Json | undefined): string {
  if (typeof value === "string") return printableLine(value);
  if (Array.isArray(value)) return `[${shown(value as readonly Json[])}]`;
  if (isJsonObject(value)) return Object.values(value).slice(0, MAX_VALUES).map(valueText).join(" ");
  return value === undefined ? "" : String(value);
}

function shown(values: readonly Json[]): string {
  const text = values.slice(0, MAX_VALUES).map(valueText).join(", ");
  return values.length > MAX_VALUES ? `${text}, and ${values.length - MAX_VALUES} more` : text;
}

export interface Summary {
  readonly decisions: number;
  /** Decisions the machine refused. */
  readonly illegal: number;
  readonly usage: Usage;
  readonly milliseconds: number;
}

/** The last line of a run: what it took. */
export function summaryLine({ decisions, illegal, usage, milliseconds }: Summary): string {
  const { promptTokens, computedTokens, forcedTokens } = usage;
  const prompt =
    computedTokens < promptTokens
      ? `${computedTokens} of ${promptTokens} prompt tokens computed, the rest reused`
      : `${amount(promptTokens, "prompt token")} computed`;
  return [
    `${amount(decisions, "decision")}, ${illegal} illegal`,
    ...(promptTokens > 0 ? [prompt, `${amount(forcedTokens, "token")} forced`] : []),
    duration(milliseconds),
  ].join(" · ");
}
