/** Limits of the constraint compiler: what a schema from outside may cost at most, and the budget that counts it. */
import { ConstraintError } from "../errors.ts";

/** Nesting of schemas and of enum values. Hand-written schemas stay below 10; the recursion stays far from the stack's end. */
export const MAX_DEPTH = 64;
/** Shapes made while one schema is compiled, intersections included: keeps products of anyOf and allOf from exploding. */
export const MAX_SHAPES = 50_000;
/** Values of all enums of one schema. Ten thousand ids must fit. */
export const MAX_LITERALS = 50_000;
/** UTF-16 units of all enum and const values of one schema. */
export const MAX_LITERAL_SIZE = 4_000_000;
/** A larger minLength could not be met within any context. */
export const MAX_MIN_LENGTH = 65_535;
/** A larger maxLength is treated as this one: no reply is that long. */
export const MAX_TEXT_LENGTH = 1_000_000;
/** Calls among the moves of one reply. */
export const MAX_CALLS = 1_024;

/** Counts what one schema has cost so far. */
export class Budget {
  readonly #subject: string;
  #shapes = 0;
  #literals = 0;
  #size = 0;

  constructor(subject: string) {
    this.#subject = subject;
  }

  take(at: string, shapes = 1): void {
    this.#shapes += shapes;
    if (this.#shapes > MAX_SHAPES) this.#refuse(at, `more than ${MAX_SHAPES} shapes`);
  }

  takeLiteral(at: string, size: number): void {
    this.#literals += 1;
    this.#size += size;
    if (this.#literals > MAX_LITERALS) this.#refuse(at, `more than ${MAX_LITERALS} literals`);
    if (this.#size > MAX_LITERAL_SIZE) this.#refuse(at, `literals of more than ${MAX_LITERAL_SIZE} characters`);
  }

  #refuse(at: string, what: string): never {
    throw new ConstraintError("constraint/too-large", `${this.#subject}: the schema needs ${what}`, {
      pointer: at,
      hint: "shorten the enums or split the anyOf/allOf branches into tools of their own",
    });
  }
}
