/**
 * What the connecting sentence of a report may be. In: the question, the quotes. Out: a schema. Law: every word and every number stands
 * in the question or in a quote, or is one of a few connecting words; so nothing is brought in that no source says.
 */
import type { JsonSchema } from "@orrery/chat";

const CONNECTING = (
  "a all also although an and are as at because both but by can differ do does for from have however in is it less many more most no not " +
  "of on one only or other others so some than that the their there these they this to two was were when where whereas while with"
).split(" ");

/** Characters. */
export const SUMMARY_LENGTH = { min: 30, max: 240 } as const;
/** Words that a pattern can hold in reasonable time. */
const MAX_WORDS = 200;

export function summaryOf(question: string, quotes: readonly string[]): JsonSchema {
  const said = wordsOf([...quotes, question].join(" ")).slice(0, MAX_WORDS);
  const words = [...new Set([...said, ...CONNECTING])];
  const first = [...new Set(words.map(capital))];
  return {
    pattern: `^(?:${oneOf(first)})(?:,? (?:${oneOf(words)}))*\\.$`,
    minLength: SUMMARY_LENGTH.min,
    maxLength: SUMMARY_LENGTH.max,
  };
}

/** Words as they stand in a text, without what surrounds them. */
function wordsOf(text: string): string[] {
  return text.split(/\s+/).flatMap((word) => /[\p{L}\p{N}°](?:.*[\p{L}\p{N}%])?/u.exec(word)?.[0] ?? []);
}

function capital(word: string): string {
  const [first = ""] = word;
  return first.toUpperCase() + word.slice(first.length);
}

function oneOf(words: readonly string[]): string {
  return words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|");
}
