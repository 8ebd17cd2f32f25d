/**
 * Arrays on a surface. In: a machine. Out: a structure: item, comma, item, … Law: an item is offered only if the array can be
 * completed after it.
 */
import type { ArrayMachine } from "../goals/array-machine.ts";
import type { Formula } from "../goals/formula.ts";
import type { Option, Structure } from "../part.ts";
import { bytes } from "../surface.ts";
import type { PartMaker } from "./parts.ts";
import { recorded } from "./recorded.ts";

/** States of the structure: twice the machine's, plus 1 once a comma has been written. */
export function arrayItems(machine: ArrayMachine, maker: PartMaker): Structure {
  const known = new Map<number, readonly Option[]>();

  function items(id: number): Option[] {
    return machine.moves(id).flatMap((move): Option[] => {
      const formula = machine.completable(move, maker.inhabited, maker.members);
      if (!formula) return [];
      return [machine.unique ? differing(formula, move.next) : { part: maker.part(formula), next: 2 * move.next }];
    });
  }

  /** An item of which the array must not have another: what may follow depends on what it is. */
  function differing(formula: Formula, next: number): Option {
    const { comma, delimiter, read } = maker.surface;
    const part = recorded(maker.part(formula), delimiter);
    const option = {
      part,
      next: (end: number) => 2 * machine.after(next, read(part.symbols(end))),
      follow: [comma[0]!, ...bytes("]")],
    };
    // One token that ends a string, and reads a second one to its end, has three delimiters.
    return machine.sparesStrings(next, maker.endless) ? { ...option, usual: { next: 2 * next, among: [delimiter], repeats: 3 } } : option;
  }

  function make(state: number): readonly Option[] {
    const id = state >> 1;
    if (state % 2 === 1 || !machine.begun(id)) return items(id);
    return items(id).length > 0 ? [{ part: maker.comma, next: state + 1 }] : [];
  }

  return {
    kind: "structure",
    start: 2 * machine.start,
    options(state) {
      let options = known.get(state);
      if (!options) {
        options = make(state);
        known.set(state, options);
      }
      return options;
    },
    complete: (state) => state % 2 === 0 && machine.ends(state >> 1),
  };
}
