/** A surface: how values are spelt. Shapes know nothing of it; lower.ts joins the two. */
import type { Json } from "@orrery/chat";
import { isJsonObject } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import type { Part, Symbol } from "./part.ts";

export interface Surface {
  /** A string of `min` … `max` code points, with its delimiters. */
  text(min: number, max: number): Part;
  /** An exact string, with its delimiters. */
  string(value: string): readonly Symbol[];
  /**
   * A property's name and what stands between it and its value.
   * @throws ConstraintError `constraint/unsupported` when the syntax cannot spell the name
   */
  key(name: string, at: string): readonly Symbol[];
  /** The order in which an object's properties are written. */
  order(names: readonly string[]): readonly string[];
}

/** Half of a surrogate pair. */
const HALF_PAIR = /\p{Cs}/u;
const UTF8 = new TextEncoder();

/** Text as symbols. */
export function bytes(text: string): readonly Symbol[] {
  return [...UTF8.encode(text)];
}

/** The one way a surface spells this value. @throws ConstraintError `constraint/unsupported` */
export function spell(surface: Surface, value: Json, at: string): readonly Symbol[] {
  if (typeof value === "string") {
    if (HALF_PAIR.test(value))
      throw new ConstraintError("constraint/unsupported", `a string at '${at}' holds half of a surrogate pair, which UTF-8 cannot spell`, {
        pointer: at,
        hint: "correct the value",
      });
    return surface.string(value);
  }
  if (isJsonObject(value)) {
    const pairs = surface.order(Object.keys(value)).map((name) => [...surface.key(name, at), ...spell(surface, value[name] as Json, at)]);
    return bytes("{").concat(join(pairs), bytes("}"));
  }
  if (typeof value === "object" && value !== null) {
    const items = value.map((item) => spell(surface, item, at));
    return bytes("[").concat(join(items), bytes("]"));
  }
  return bytes(JSON.stringify(value));
}

function join(list: readonly (readonly Symbol[])[]): Symbol[] {
  const comma = bytes(",");
  return list.flatMap((item, i) => (i === 0 ? item : [...comma, ...item]));
}
