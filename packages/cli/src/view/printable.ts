/**
 * Text of models, tools and files made safe to print. In: any text. Out: text that moves no cursor, sets no colour, rings no bell and
 * hides no character order. Law: control characters become visible signs or vanish; everything else stays.
 */

/** C0 without tab and line feed, DEL, C1; marks that reorder, join or hide text (bidi, zero-width, tags, byte order mark). */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

/** Safe text of several lines; `\r\n` becomes `\n`. */
export function printable(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(UNSAFE, visible)
    .replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Safe text of one line: line feeds and tabs become `⏎` and a space. */
export function printableLine(text: string): string {
  return printable(text).replace(/\n/g, "⏎").replace(/\t/g, " ");
}

/** Unicode's pictures of control characters (␛ for escape); others have no picture and vanish. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : "";
}
