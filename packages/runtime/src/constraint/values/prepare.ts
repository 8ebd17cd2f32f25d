/**
 * Walks a grammar's structures as far as they are known without reading anything, so that what cannot be compiled is found before the
 * first token. In: a part. Out: nothing, or the error. Law: bounded: each state of each structure once, and no more than a limit.
 */
import type { Part, Structure } from "../part.ts";

/** States looked at: what lies beyond is alike, or is met when it is reached. */
const MAX_STATES = 4_000;

export function prepare(root: Part): void {
  const seen = new Map<Structure, Set<number>>();
  const open: { readonly part: Structure; readonly state: number }[] = [];
  let count = 0;
  const visit = (part: Part, state?: number) => {
    if (part.kind === "terminal") return;
    const at = state ?? part.start;
    let states = seen.get(part);
    if (!states) seen.set(part, (states = new Set()));
    if (states.has(at)) return;
    states.add(at);
    open.push({ part, state: at });
  };
  visit(root);
  for (let i = 0; i < open.length && count < MAX_STATES; i++, count++) {
    const { part, state } = open[i]!;
    for (const option of part.options(state)) {
      visit(option.part);
      if (typeof option.next === "number") visit(part, option.next);
    }
  }
}
