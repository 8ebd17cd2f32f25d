/** The edit of a text that cannot hit the wrong place. In: a text, a piece of it, its replacement. Out: the new text. */
import { FileError } from "./file-error.ts";

/** @throws FileError `tool/no-match` where `old` does not occur exactly once, `tool/no-change` where nothing would change */
export function replaceOnce(text: string, old: string, replacement: string): string {
  if (old === replacement) throw new FileError("tool/no-change", "old and new text are the same");
  const at = old === "" ? -1 : text.indexOf(old);
  if (at < 0) throw new FileError("tool/no-match", "text not found in file");
  if (text.indexOf(old, at + 1) >= 0) throw new FileError("tool/no-match", "text occurs more than once in file");
  return text.slice(0, at) + replacement + text.slice(at + old.length);
}
