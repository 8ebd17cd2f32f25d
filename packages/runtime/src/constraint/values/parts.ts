/**
 * Formulas → parts of a grammar, on a surface. In: a formula that some value satisfies. Out: a part whose complete spellings are
 * exactly its values. Law: equal formulas are the same part; what cannot be spelt is an error when the schema is compiled.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../../errors.ts";
import type { Formula } from "../goals/formula.ts";
import type { Inhabitation } from "../goals/inhabited.ts";
import { spellings, type Spellings } from "../literals.ts";
import * as number from "../numbers/index.ts";
import type { NumberSet } from "../numbers/index.ts";
import { numberPart } from "../numbers/number-part.ts";
import { sequence, type Option, type Part, type Symbol, type Terminal } from "../part.ts";
import * as text from "../strings/index.ts";
import { bytes, type Surface } from "../surface.ts";
import type { Where } from "../where.ts";
import { arrayItems } from "./array-part.ts";
import { objectMembers } from "./object-part.ts";

/** What the parts of arrays and objects need of the others. */
export interface PartMaker {
  readonly surface: Surface;
  readonly comma: Terminal;
  readonly where: Where;
  placeOf(formula: Formula): Where;
  part(formula: Formula): Part;
  /** These symbols, perhaps with a comma before them; the same object for the same symbols. */
  exact(symbols: readonly Symbol[], comma: boolean): Terminal;
  /** One of these, perhaps with a comma before it. */
  oneOf(list: readonly (readonly Symbol[])[], comma: boolean): Spellings;
  inhabited(formula: Formula): boolean;
  members(formula: Formula, limit: number): readonly Json[];
  /** May infinitely many of the formula's strings follow, however one begins? */
  endless(formula: Formula): boolean;
}

export interface PartsOptions {
  readonly surface: Surface;
  /** May numbers have exponents? */
  readonly exponent: boolean;
  /** The bytes that the vocabulary has a token of its own for; undefined: all. */
  readonly alphabet: ReadonlySet<number> | undefined;
}

/** Numbers that are spelt one by one. */
const MAX_SPELT = 64;
const NONE: readonly Option[] = [];

export class Parts implements PartMaker {
  readonly surface: Surface;
  readonly comma: Terminal;
  readonly inhabited: (formula: Formula) => boolean;
  readonly members: (formula: Formula, limit: number) => readonly Json[];
  readonly #inhabitation: Inhabitation;
  readonly #options: PartsOptions;
  readonly #parts = new Map<Formula, Part>();
  readonly #exact = new Map<string, Terminal>();

  constructor(inhabitation: Inhabitation, options: PartsOptions) {
    this.surface = options.surface;
    this.inhabited = inhabitation.has;
    this.members = inhabitation.members;
    this.#inhabitation = inhabitation;
    this.#options = options;
    this.comma = this.exact(options.surface.comma, false);
  }

  get where(): Where {
    return this.#inhabitation.expansion.formulas.where;
  }

  placeOf(formula: Formula): Where {
    return this.#inhabitation.expansion.formulas.placeOf(formula) ?? this.where;
  }

  readonly endless = (formula: Formula): boolean => text.isEndless(this.#inhabitation.expansion.strings(formula));

  /** Made when it is first entered: formulas may contain themselves. */
  part(formula: Formula): Part {
    let part = this.#parts.get(formula);
    if (!part) {
      let options: readonly Option[] | undefined;
      part = {
        kind: "structure",
        start: 0,
        options: (state) =>
          state === 0 ? (options ??= this.#inhabitation.expansion.formulas.at(formula, () => this.#alternatives(formula))) : NONE,
        complete: (state) => state === 1,
      };
      this.#parts.set(formula, part);
    }
    return part;
  }

  oneOf(list: readonly (readonly Symbol[])[], comma: boolean): Spellings {
    const all = list.map((symbols) => this.#separated(symbols, comma));
    for (const symbols of all) this.#check(symbols);
    return spellings(all);
  }

  exact(symbols: readonly Symbol[], comma: boolean): Terminal {
    const all = this.#separated(symbols, comma);
    const key = all.join();
    let terminal = this.#exact.get(key);
    if (!terminal) {
      this.#check(all);
      terminal = spellings([all]);
      this.#exact.set(key, terminal);
    }
    return terminal;
  }

  #separated(symbols: readonly Symbol[], comma: boolean): readonly Symbol[] {
    return comma ? [...this.surface.comma, ...symbols] : symbols;
  }

  /** Is there a token for every byte? */
  #check(symbols: readonly Symbol[]): void {
    const { alphabet } = this.#options;
    const { where } = this;
    const missing = alphabet && symbols.find((symbol) => symbol <= 0xff && !alphabet.has(symbol));
    if (missing === undefined) return;
    throw new ConstraintError("constraint/unsupported", `${where.subject}: the vocabulary has no token for byte ${missing}`, {
      pointer: where.pointer,
      hint: "spell names and values without this character",
    });
  }

  /** A few numbers are spelt out, whatever digits they have. */
  #numbers(set: NumberSet): Part {
    const few = number.listed(set, MAX_SPELT);
    if (!few) return numberPart(set, { exponent: this.#options.exponent, where: this.where });
    return spellings(
      few.map((value) => bytes(JSON.stringify(value))),
      "number",
    );
  }

  #alternatives(formula: Formula): readonly Option[] {
    const { expansion } = this.#inhabitation;
    const { surface } = this.#options;
    const { where } = this;
    const parts: Part[] = [];
    for (const kind of ["null", "true", "false"] as const) if (expansion.admits(formula, kind)) parts.push(this.exact(bytes(kind), false));
    const numbers = expansion.numbers(formula);
    if (!number.isEmpty(numbers, where)) parts.push(this.#numbers(numbers));
    const strings = expansion.strings(formula);
    if (!text.isEmpty(strings)) parts.push(surface.string(strings));
    for (const machine of this.#inhabitation.arrays(formula))
      if (machine.completes(machine.start, this.inhabited, this.members))
        parts.push(sequence(this.exact(bytes("["), false), arrayItems(machine, this), this.exact(bytes("]"), false)));
    for (const machine of this.#inhabitation.objects(formula))
      if (machine.completes(machine.start, this.inhabited))
        parts.push(sequence(this.exact(bytes("{"), false), objectMembers(machine, this), this.exact(bytes("}"), false)));
    return parts.map((part) => ({ part, next: 1 }));
  }
}
