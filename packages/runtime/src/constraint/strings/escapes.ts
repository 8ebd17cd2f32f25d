/**
 * JSON's own spelling of the characters that a string may not hold as they are. In: what was read behind a backslash, and a byte. Out: a
 * character, or what was read now. Law: each character has one spelling, that of `JSON.stringify`.
 */

/** Beginnings of an escape behind its backslash, and all of its characters. */
export interface EscapePrefix {
  readonly codePoints: readonly number[];
  /** By byte: a longer beginning, by its place in {@link ESCAPE_PREFIXES}, or the whole character. */
  readonly next: ReadonlyMap<number, { readonly prefix: number } | { readonly codePoint: number }>;
}

const ESCAPED = [...Array.from({ length: 0x20 }, (_, control) => control), 0x22, 0x5c];
const SPELLINGS = new Map(ESCAPED.map((codePoint) => [codePoint, JSON.stringify(String.fromCodePoint(codePoint)).slice(2, -1)]));
const BEGINNINGS = ["", "u", "u0", "u00", "u000", "u001"];

/** The first is that of the backslash alone. */
export const ESCAPE_PREFIXES: readonly EscapePrefix[] = BEGINNINGS.map((beginning) => {
  const codePoints = ESCAPED.filter((codePoint) => SPELLINGS.get(codePoint)!.startsWith(beginning));
  const next = new Map<number, { readonly prefix: number } | { readonly codePoint: number }>();
  for (const codePoint of codePoints) {
    const spelling = SPELLINGS.get(codePoint)!;
    const longer = spelling.slice(0, beginning.length + 1);
    const byte = longer.charCodeAt(beginning.length);
    next.set(byte, longer === spelling ? { codePoint } : { prefix: BEGINNINGS.indexOf(longer) });
  }
  return { codePoints, next };
});

/** Is the character spelt with a backslash? */
export function isEscaped(codePoint: number): boolean {
  return codePoint < 0x20 || codePoint === 0x22 || codePoint === 0x5c;
}
