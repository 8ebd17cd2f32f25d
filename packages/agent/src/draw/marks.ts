/**
 * What of a picture a run has been through. In: a path, and the boxes and arrows that are drawn. Out: what to mark, and with which numbers.
 * Law: only arrows that are drawn are counted, so that the numbers in a picture are 1, 2, 3 ….
 */
import type { Arrow, Box, Line } from "./chart-graph.ts";
import type { RunPath } from "./run-path.ts";

/** Numbers beside one arrow. */
const SHOWN = 3;

export class Marks {
  readonly #path: RunPath;
  readonly #places = new Map<string, number[]>();

  constructor(path: RunPath, root: Box) {
    this.#path = path;
    const drawn = new Set<string>();
    const visit = ({ boxes, arrows }: Box): void => {
      for (const { lines } of arrows) for (const { keys } of lines) for (const key of keys) drawn.add(key);
      for (const box of boxes) visit(box);
    };
    visit(root);
    for (const [i, key] of path.transitions.filter((each) => drawn.has(each)).entries())
      this.#places.set(key, [...(this.#places.get(key) ?? []), i + 1]);
  }

  /** The same boxes, with how often each of the lines in them was taken, where that was more than once. */
  counted(box: Box): Box {
    const lines = box.lines.map((line) => {
      const times = this.times(line);
      return times > 1 ? { ...line, text: `${line.text} ×${times}` } : line;
    });
    return { ...box, lines, boxes: box.boxes.map((each) => this.counted(each)) };
  }

  entered({ id }: { readonly id: string }): boolean {
    return this.#path.states.has(id);
  }

  /** Does the run stand there, or within, and is it drawn no deeper? */
  isEnd({ id, boxes }: Pick<Box, "id" | "boxes">): boolean {
    const { end } = this.#path;
    return end !== undefined && boxes.length === 0 && (end === id || end.startsWith(`${id}.`));
  }

  taken({ lines, from, to }: Arrow): boolean {
    if (lines.length === 0) return from.endsWith("\nstart") && this.#path.states.has(to);
    return lines.some((line) => this.times(line) > 0);
  }

  times({ keys }: Line): number {
    return keys.reduce((sum, key) => sum + (this.#places.get(key)?.length ?? this.#path.moves.get(key) ?? 0), 0);
  }

  /** At which places of the path: `2`, `2 · 5`, or `2 · 5 · … 9×`. */
  numbers(lines: readonly Line[]): string {
    const places = lines.flatMap(({ keys }) => keys.flatMap((key) => this.#places.get(key) ?? [])).sort((a, b) => a - b);
    return places.length <= SHOWN ? places.join(" · ") : `${places.slice(0, SHOWN - 1).join(" · ")} · … ${places.length}×`;
  }
}
