/**
 * What of an abstract may be quoted. In: its text, the question. Out: a schema whose strings are sentences of the text. Law: word for
 * word; and the schema is never empty: where a wish cannot be met by any sentence it is dropped, and a text without a sentence has none.
 */
import type { JsonSchema } from "@orrery/chat";
import { searchWords } from "./words.ts";

export const QUOTE_LENGTH = { min: 40, max: 300 } as const;

/** From a capital letter to a full stop; one after a digit may be a decimal point. */
const SENTENCE = "^\\p{Lu}.*[^\\p{Nd}][.!?]$";
const TWO_SENTENCES = "[^\\p{Nd}][.!?] ";
/** Says what the authors did, not what they found. */
const METHOD = "(?:^W| w)e (?!find|found|show|see|observe|conclude|estimate that|suggest|recommend|propose)";
const ENDS = /(?<=[^\p{Nd}][.!?]) /u;

/** Of the sentences that have a word of the question and say what was found, or of as many of these wishes as some sentence meets. */
export function quotesFrom(text: string, question: string): JsonSchema | undefined {
  const stems = searchWords(question).map(stemOf);
  const topic = stems.length > 0 ? `(?:^|[^\\p{L}])(?:${stems.map(anyCase).join("|")})` : "";
  const { min, max } = QUOTE_LENGTH;
  const base: JsonSchema = { substringOf: text, minLength: min, maxLength: max };
  const sentences = text.split(ENDS).filter((each) => new RegExp(SENTENCE, "u").test(each) && within(each));
  for (const [wanted, unwanted] of [
    [topic, METHOD],
    ["", METHOD],
    ["", ""],
  ] as const) {
    const meets = (each: string): boolean => new RegExp(wanted, "u").test(each) && !(unwanted && new RegExp(unwanted, "u").test(each));
    if (!sentences.some(meets)) continue;
    const not = unwanted ? { anyOf: [{ pattern: TWO_SENTENCES }, { pattern: unwanted }] } : { pattern: TWO_SENTENCES };
    return { ...base, pattern: SENTENCE, ...(wanted ? { allOf: [{ pattern: wanted }] } : {}), not };
  }
  return undefined;
}

/** Why this is no quotation from the text, or undefined where it is one: word for word. */
export function problemOfQuote(quote: string, text: string): string | undefined {
  return quote !== "" && text.includes(quote) ? undefined : "the quote does not stand in the abstract word for word";
}

function within(sentence: string): boolean {
  const { length } = [...sentence];
  return length >= QUOTE_LENGTH.min && length <= QUOTE_LENGTH.max;
}

/** Enough of a word to know its other forms by. */
function stemOf(word: string): string {
  const stem = word.replace(/(?:ings?|ers?|ed|es|s)$/u, "");
  return stem.length < 3 ? word : stem;
}

function anyCase(stem: string): string {
  const first = [...stem][0] ?? "";
  return `[${first}${first.toUpperCase()}]${stem.slice(first.length)}`;
}
