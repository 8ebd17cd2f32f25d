/**
 * Alphabets: which bytes make characters of a text. In: a state and a byte. Out: the next state. Law: state 0 is between
 * characters; leaving it begins one character; 255 is dead; every other state leads back to 0.
 */

export interface Alphabet {
  /** Next state by `256 · state + byte`; {@link DEAD} when the byte may not come. */
  readonly next: Uint8Array;
}

export const DEAD = 255;
/** States of well-formed UTF-8 (Unicode 15, table 3-7). */
const UTF8 = { start: 0, one: 1, two: 2, three: 3, afterE0: 4, afterEd: 5, afterF0: 6, afterF4: 7 };
/** States inside a JSON escape: after `\`, `\u`, `\u0`, `\u00`, `\u00[01]`. */
const ESCAPE = { start: 8, u: 9, zero: 10, zeros: 11, high: 12 };

/** States inside JSON's own spelling of an escape: after `\\`, `\\u`, `\\u0`, `\\u00`, `\\u000`, `\\u001`. */
const SPELT = { start: 8, u: 9, zero: 10, zeros: 11, high0: 12, high1: 13 };

/** Any well-formed text. */
export const PLAIN_TEXT: Alphabet = { next: utf8() };

/**
 * The inside of a JSON string: no bare quote, backslash or control character. `\u00XX` spells control characters only, so that
 * one character is always one code point.
 */
export const JSON_TEXT: Alphabet = { next: json() };

/** The inside of a JSON string as `JSON.stringify` writes it: each character has one spelling. */
export const JSON_SPELLING: Alphabet = { next: spelling() };

/**
 * Text that is the same plain and inside a JSON string, within one line: no control character, quote, backslash, U+007F, U+2028 or
 * U+2029.
 */
export const LINE_TEXT: Alphabet = { next: line() };

function utf8(states = 8): Uint8Array {
  const next = new Uint8Array(256 * states).fill(DEAD);
  const edge = (from: number, first: number, last: number, to: number) => next.fill(to, 256 * from + first, 256 * from + last + 1);
  edge(UTF8.start, 0x00, 0x7f, UTF8.start);
  edge(UTF8.start, 0xc2, 0xdf, UTF8.one);
  edge(UTF8.start, 0xe0, 0xef, UTF8.two);
  edge(UTF8.start, 0xe0, 0xe0, UTF8.afterE0);
  edge(UTF8.start, 0xed, 0xed, UTF8.afterEd);
  edge(UTF8.start, 0xf0, 0xf0, UTF8.afterF0);
  edge(UTF8.start, 0xf1, 0xf3, UTF8.three);
  edge(UTF8.start, 0xf4, 0xf4, UTF8.afterF4);
  edge(UTF8.one, 0x80, 0xbf, UTF8.start);
  edge(UTF8.two, 0x80, 0xbf, UTF8.one);
  edge(UTF8.three, 0x80, 0xbf, UTF8.two);
  edge(UTF8.afterE0, 0xa0, 0xbf, UTF8.one);
  edge(UTF8.afterEd, 0x80, 0x9f, UTF8.one);
  edge(UTF8.afterF0, 0x90, 0xbf, UTF8.two);
  edge(UTF8.afterF4, 0x80, 0x8f, UTF8.two);
  return next;
}

function json(): Uint8Array {
  const next = utf8(13);
  const edge = (from: number, bytes: string, to: number) => {
    for (const byte of Buffer.from(bytes)) next[256 * from + byte] = to;
  };
  next.fill(DEAD, 0, 0x20);
  edge(UTF8.start, '"', DEAD);
  edge(UTF8.start, "\\", ESCAPE.start);
  edge(ESCAPE.start, '"\\/bfnrt', UTF8.start);
  edge(ESCAPE.start, "u", ESCAPE.u);
  edge(ESCAPE.u, "0", ESCAPE.zero);
  edge(ESCAPE.zero, "0", ESCAPE.zeros);
  edge(ESCAPE.zeros, "01", ESCAPE.high);
  edge(ESCAPE.high, "0123456789abcdefABCDEF", UTF8.start);
  return next;
}

function spelling(): Uint8Array {
  const next = utf8(14);
  const edge = (from: number, bytes: string, to: number) => {
    for (const byte of Buffer.from(bytes)) next[256 * from + byte] = to;
  };
  next.fill(DEAD, 0, 0x20);
  edge(UTF8.start, '"', DEAD);
  edge(UTF8.start, "\\", SPELT.start);
  edge(SPELT.start, '"\\bfnrt', UTF8.start);
  edge(SPELT.start, "u", SPELT.u);
  edge(SPELT.u, "0", SPELT.zero);
  edge(SPELT.zero, "0", SPELT.zeros);
  edge(SPELT.zeros, "0", SPELT.high0);
  edge(SPELT.zeros, "1", SPELT.high1);
  // U+0008, 9, a, c and d have escapes of their own.
  edge(SPELT.high0, "01234567bef", UTF8.start);
  edge(SPELT.high1, "0123456789abcdef", UTF8.start);
  return next;
}

function line(): Uint8Array {
  const next = utf8(10);
  const [afterE2, afterE280] = [8, 9];
  next.fill(DEAD, 0, 0x20);
  for (const byte of [0x22, 0x5c, 0x7f]) next[byte] = DEAD;
  next[0xe2] = afterE2;
  next.fill(UTF8.one, 256 * afterE2 + 0x80, 256 * afterE2 + 0xc0);
  next[256 * afterE2 + 0x80] = afterE280;
  next.fill(UTF8.start, 256 * afterE280 + 0x80, 256 * afterE280 + 0xc0);
  next.fill(DEAD, 256 * afterE280 + 0xa8, 256 * afterE280 + 0xaa);
  return next;
}
