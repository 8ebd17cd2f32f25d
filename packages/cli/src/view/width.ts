/** Text measured and cut in terminal columns: East Asian letters and emoji take two, combining marks none. */
import stringWidth from "string-width";

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns of a text without control characters. */
export function columns(text: string): number {
  return stringWidth(text);
}

/** The text, cut to at most `width` columns; what was cut is shown by `…`. */
export function fit(text: string, width: number): string {
  if (width <= 0) return "";
  // No character takes less than 0 columns and few take 0: a text this short needs no measuring of its tail.
  const start = text.length > width * 16 ? text.slice(0, width * 16) : text;
  if (start === text && columns(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(start)) {
    const next = columns(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** The text followed by spaces up to `width` columns; a longer text stays as it is. */
export function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columns(text)));
}
