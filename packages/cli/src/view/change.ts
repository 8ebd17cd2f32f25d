/** A planned change of a file as a short preview. In: text before and after. Out: lines to print, at most a screenful. */
import { structuredPatch } from "diff";
import type { PlannedChange } from "../tools/file-tools.ts";
import { printableLine } from "./printable.ts";
import type { Style } from "./style.ts";
import { fit } from "./width.ts";

/** Lines of a preview: enough to judge an edit, few enough to stay on the screen. */
const MAX_LINES = 24;
/** Lines that stay around a change. */
const CONTEXT = 2;
/** Differences beyond this are not searched for (the search takes their square). */
const MAX_EDITS = 400;

/** The preview: a line that says which file and how much, then the changed lines with `+` and `-`. */
export function changeLines(change: PlannedChange, width: number, style: Style): readonly string[] {
  const path = printableLine(change.path);
  const room = Math.max(20, width);
  const lines = changedLines(change);
  if (!lines) return [fit(`${path}  rewritten: ${count(change.before ?? "")} become ${count(change.after)}`, room)];
  const added = lines.filter((line) => line.startsWith("+")).length;
  const removed = lines.filter((line) => line.startsWith("-")).length;
  const head = change.before === undefined ? `${path}  new file, ${count(change.after)}` : `${path}  ${added} added, ${removed} removed`;
  const shown = lines.slice(0, MAX_LINES).map((line) => {
    const text = `  ${fit(printableLine(line), room - 2)}`;
    return line.startsWith("+") ? style.green(text) : line.startsWith("-") ? style.red(text) : style.dim(text);
  });
  const more = lines.length - shown.length;
  return [fit(head, room), ...shown, ...(more > 0 ? [style.dim(`  … ${more} more lines`)] : [])];
}

/** Lines that are added (`+`), removed (`-`) or stand around them; undefined when too much differs. */
function changedLines({ before, after }: PlannedChange): readonly string[] | undefined {
  // A new file needs no search for what it has in common with the old one.
  if (before === undefined)
    return after === ""
      ? []
      : after
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => `+${line}`);
  const patch = structuredPatch("", "", before, after, "", "", { context: CONTEXT, maxEditLength: MAX_EDITS });
  return patch?.hunks.flatMap((hunk, index) => [...(index > 0 ? ["…"] : []), ...hunk.lines.filter((line) => !line.startsWith("\\"))]);
}

function count(text: string): string {
  const lines = text === "" ? 0 : text.replace(/\n$/, "").split("\n").length;
  return `${lines} line${lines === 1 ? "" : "s"}`;
}
