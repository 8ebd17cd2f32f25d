/**
 * Shape → parts of a grammar, on a given surface. In: a typed shape. Out: a part whose every complete spelling is a value of the shape.
 * Law: what the surface or the vocabulary cannot spell is an error with a pointer, never left out silently.
 */
import { ConstraintError } from "../errors.ts";
import { isNever, type ObjectShape, type Shape } from "./ir.ts";
import { spellings } from "./literals.ts";
import { MAX_MIN_LENGTH } from "./limits.ts";
import { numbers } from "./numbers.ts";
import { members, oneOf, repeat, sequence, type Member, type Part, type Symbol } from "./part.ts";
import type { PartPosition } from "./position.ts";
import { bytes, spell, type Surface } from "./surface.ts";

export interface Lowering {
  readonly surface: Surface;
  /** Names the schema in messages. */
  readonly subject: string;
  /** The bytes that the vocabulary has a token of its own for: what it can always spell. */
  readonly alphabet: ReadonlySet<number>;
}

/** @throws ConstraintError `constraint/unsupported`, `constraint/unsatisfiable`, `constraint/too-large` */
export function lower(shape: Shape, lowering: Lowering): Part {
  const done = new Map<Shape, Part>();
  const { surface, subject, alphabet } = lowering;

  function exact(list: readonly (readonly Symbol[])[], at: string, position?: PartPosition): Part {
    for (const symbols of list) {
      const missing = symbols.find((symbol) => symbol <= 0xff && !alphabet.has(symbol));
      if (missing !== undefined)
        throw new ConstraintError(
          "constraint/unsupported",
          `${subject}: the vocabulary has no token for byte ${missing}, needed at '${at}'`,
          {
            pointer: at,
            hint: "spell the value without this character",
          },
        );
    }
    return spellings(list, position);
  }

  const comma = exact([bytes(",")], "");

  function part(one: Shape): Part {
    const known = done.get(one);
    if (known) return known;
    const made = make(one);
    done.set(one, made);
    return made;
  }

  function make(one: Shape): Part {
    switch (one.kind) {
      case "any":
        throw new TypeError("an untyped shape reached the grammar: requireTyped was not called");
      case "choice":
        if (one.options.length === 0)
          throw new ConstraintError("constraint/unsatisfiable", `${subject}: no value satisfies the schema at '${one.at}'`, {
            pointer: one.at,
            hint: "leave the move out when nothing can be chosen",
          });
        return oneOf(one.options.map(part));
      case "literals":
        return exact(
          one.values.map((value) => spell(surface, value, one.at)),
          one.at,
          "enum",
        );
      case "string":
        if (one.min > MAX_MIN_LENGTH)
          throw new ConstraintError("constraint/too-large", `${subject}: minLength ${one.min} is more than ${MAX_MIN_LENGTH}`, {
            pointer: one.at,
            hint: "no reply is that long",
          });
        return surface.text(one.min, one.max);
      case "number": {
        const made = numbers(one);
        if (made) return made;
        throw new ConstraintError(
          "constraint/unsupported",
          `${subject}: no number of up to 15 digits lies within the bounds at '${one.at}'`,
          {
            pointer: one.at,
            hint: "widen the bounds; integers must be safe integers",
          },
        );
      }
      case "array": {
        const open = exact([bytes("[")], one.at);
        const close = exact([bytes("]")], one.at);
        return one.max === 0 ? sequence(open, close) : sequence(open, repeat(part(one.items), comma, one.min, one.max), close);
      }
      case "object":
        return sequence(exact([bytes("{")], one.at), members(list(one)), exact([bytes("}")], one.at));
    }
  }

  function list(one: ObjectShape): Member[] {
    return surface.order([...one.properties.keys()]).flatMap((name) => {
      const { shape: value, required } = one.properties.get(name)!;
      // An optional property that no value fits is a forbidden one: it is never written.
      if (isNever(value)) return [];
      const key = surface.key(name, value.at);
      return [
        {
          first: sequence(exact([key], value.at), part(value)),
          later: sequence(exact([[...bytes(","), ...key]], value.at), part(value)),
          required,
        },
      ];
    });
  }

  return part(shape);
}
