/**
 * Walks a grammar's structures as far as they are known without reading anything, so that what cannot be compiled is found before the
 * first token. In: a part. Out: nothing, or the error. Law: bounded: each state of each structure once, and no more than a limit.
 */
import type { Part, Structure, TellingOption } from "../part.ts";

/** States looked at, and the ways from them: what lies beyond is alike, or is met when it is reached. */
const MAX_STATES = 4_000;
const MAX_OPTIONS = 20_000;

export function prepare(root: Part): void {
  const seen = new Map<Structure, Set<number>>();
  const open: { readonly part: Structure; readonly state: number }[] = [];
  let options = 0;
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
  for (let i = 0; i < open.length && i < MAX_STATES && options < MAX_OPTIONS; i++) {
    const { part, state } = open[i]!;
    for (const option of part.options(state)) {
      visit(option.part);
      const after = typeof option.next === "number" ? [option.next] : ((option as TellingOption).known?.() ?? []);
      for (const next of after) visit(part, next);
      options += Math.max(1, after.length);
    }
  }
}
