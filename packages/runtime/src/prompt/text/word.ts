/** A word without quotes as JSON. In: the word. Out: JSON text: a literal, a number, or else a string. */

const LITERALS: ReadonlyMap<string, string> = new Map([
  ["", "null"],
  ["true", "true"],
  ["True", "true"],
  ["TRUE", "true"],
  ["false", "false"],
  ["False", "false"],
  ["FALSE", "false"],
  ["null", "null"],
  ["NULL", "null"],
  ["None", "null"],
  ["nil", "null"],
  ["undefined", "null"],
]);

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** `+1`, `.5` and `1.` are numbers too; `007` is not: it may be a code. */
const NUMBER = /^[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Whether the word cannot be the beginning of a longer text. */
export function isPlainWord(word: string): boolean {
  return LITERALS.has(word) || isNumber(word);
}

export function wordToJson(word: string): string {
  const literal = LITERALS.get(word);
  if (literal !== undefined) return literal;
  if (!isNumber(word)) return JSON.stringify(word);
  return JSON_NUMBER.test(word) ? word : String(Number(word));
}

function isNumber(word: string): boolean {
  return NUMBER.test(word) && Number.isFinite(Number(word));
}
