/**
 * Objects on a surface. In: a machine. Out: a structure: name, value, comma, name, … Law: a name is offered only if some value may
 * follow it and the object can then be completed.
 */
import type { Formula } from "../goals/formula.ts";
import type { Naming, NameMove, ObjectMachine } from "../goals/object-machine.ts";
import type { Option, Part, Structure } from "../part.ts";
import * as text from "../strings/index.ts";
import { recordedText } from "../strings/index.ts";
import { bytes } from "../surface.ts";
import type { PartMaker } from "./parts.ts";

/** More names than these are one terminal, that tells which was read: then a state costs no mask for each of them. */
const MANY_NAMES = 64;
/** The bytes that values begin with, on any surface. */
const VALUE_STARTS = bytes('"-0123456789[fnt{');

type KnownMove = NameMove & { readonly kind: "known" };
type ClassMove = NameMove & { readonly kind: "class" };

type State =
  | { readonly at: "between"; readonly id: number }
  | { readonly at: "name"; readonly move: ClassMove; readonly language: text.Language }
  | { readonly at: "colon"; readonly naming: Naming }
  | { readonly at: "value"; readonly naming: Naming };

export function objectMembers(machine: ObjectMachine, maker: PartMaker): Structure {
  const { surface } = maker;
  const states: State[] = [];
  const ids = new Map<string, number>();
  const known = new Map<number, readonly Option[]>();
  const completable = new Map<number, boolean>();
  const keysAtFront = new Map<string, Part>();
  const keysAfterComma = new Map<string, Part>();

  function intern(key: string, state: State): number {
    let id = ids.get(key);
    if (id === undefined) {
      id = states.push(state) - 1;
      ids.set(key, id);
    }
    return id;
  }
  const between = (id: number) => intern(`between ${id}`, { at: "between", id });
  // A name tells what its value may be; the name that stands for all of a class does not.
  const named = (at: "colon" | "value", naming: Naming) =>
    intern(`${at} ${naming.after} ${naming.formula.id} ${naming.witnesses.join()} ${naming.name}`, { at, naming });

  function completes(id: number): boolean {
    let found = completable.get(id);
    if (found === undefined) {
      found = machine.completes(id, maker.inhabited);
      completable.set(id, found);
    }
    return found;
  }

  function key(name: string, naming: Naming, comma: boolean): Part {
    const known = comma ? keysAfterComma : keysAtFront;
    let part = known.get(name);
    if (!part) {
      part = maker.exact(surface.key(name, maker.placeOf(naming.formula)), comma);
      known.set(name, part);
    }
    return part;
  }

  function values(naming: Naming): { readonly formula: Formula; readonly next: number }[] {
    return machine.values(naming).filter(({ formula, next }) => maker.inhabited(formula) && completes(next));
  }

  function hasValue(move: NameMove): boolean {
    return values(move.kind === "known" ? move.naming : move.naming("")).length > 0;
  }

  function mayGoOn(id: number): boolean {
    for (const move of machine.names(id)) if (hasValue(move)) return true;
    return false;
  }

  function keys(id: number): Option[] {
    const comma = machine.begun(id);
    const moves = [...machine.names(id)].filter(hasValue);
    const known = moves.filter((move) => move.kind === "known");
    const listed = known.length > MANY_NAMES ? [oneOf(known, comma)] : known.map((move) => only(move, comma));
    return [...listed, ...moves.filter((move) => move.kind === "class").map((move) => ofClass(id, move, comma))];
  }

  function only({ name, naming }: KnownMove, comma: boolean): Option {
    return { part: key(name, naming, comma), next: named("value", naming) };
  }

  function ofClass(id: number, move: ClassMove, comma: boolean): Option {
    const language = move.language();
    const next = intern(`name ${id} ${language.key}`, { at: "name", move, language });
    // Where nothing stands before the first name, the name itself comes at once.
    if (!comma && surface.freeKey.open.length === 0) return free(move, language);
    return { part: maker.exact(surface.freeKey.open, comma), next };
  }

  function oneOf(moves: readonly KnownMove[], comma: boolean): Option {
    const keys = moves.map(({ name, naming }) => surface.key(name, maker.placeOf(naming.formula)));
    const part = maker.oneOf(keys, comma);
    const after = ({ naming }: KnownMove) => named("value", naming);
    return { part, next: (end) => after(moves[part.read(end)]!), follow: VALUE_STARTS, known: () => moves.map(after) };
  }

  function free({ naming, usual }: ClassMove, language: text.Language): Option {
    const { close, spelling, repeats } = surface.freeKey;
    const part = recordedText(language, spelling);
    const follow = close.slice(0, 1);
    return {
      part,
      next: (end) => named("colon", naming(part.text(end))),
      follow,
      // Where names may run out, already the beginning of a second one can be the end of its way.
      usual: { next: named("colon", usual), among: follow, repeats: text.isEndless(language) ? repeats : repeats - 1 },
    };
  }

  function make(state: State): readonly Option[] {
    switch (state.at) {
      case "between":
        return keys(state.id);
      case "name":
        return [free(state.move, state.language)];
      case "colon":
        return [{ part: maker.exact(surface.freeKey.close, false), next: named("value", state.naming) }];
      case "value":
        return values(state.naming).map(({ formula, next }): Option => ({ part: maker.part(formula), next: between(next) }));
    }
  }

  return {
    kind: "structure",
    start: between(machine.start),
    options(id) {
      let options = known.get(id);
      if (!options) {
        options = make(states[id]!);
        known.set(id, options);
      }
      return options;
    },
    complete(id) {
      const state = states[id]!;
      return state.at === "between" && machine.ends(state.id);
    },
    over(id) {
      const state = states[id]!;
      return state.at === "between" && machine.ends(state.id) && !mayGoOn(state.id);
    },
  };
}
