/**
 * Gemma 4's call syntax as data: bare sorted keys, strings between quote tokens without escapes, no white space.
 * In: the id of the quote token. Out: a surface.
 */
import { ConstraintError } from "../errors.ts";
import { PLAIN_TEXT } from "./alphabet.ts";
import { spellings } from "./literals.ts";
import { CONTROL, sequence } from "./part.ts";
import { bytes, type Surface } from "./surface.ts";
import { text } from "./text.ts";

/** What would end a bare key or be taken for syntax, and characters nobody can see. */
const NOT_IN_KEY = /[:{}[\],"\p{Cc}\p{Cs}]|^\s|\s$|^$/u;

export function nativeSurface(quote: number): Surface {
  const delimiter = [CONTROL + quote];
  const quoted = spellings([delimiter]);
  return {
    text: (min, max) => sequence(quoted, text(PLAIN_TEXT, { min, max }), quoted),
    string: (value) => [...delimiter, ...bytes(value), ...delimiter],
    key(name, at) {
      if (NOT_IN_KEY.test(name))
        throw new ConstraintError("constraint/unsupported", `the call syntax cannot spell the property name ${JSON.stringify(name)}`, {
          pointer: at,
          hint: "use a name without : { } [ ] , quotes, control characters or outer spaces",
        });
      return bytes(`${name}:`);
    },
    order: caseInsensitive,
  };
}

/** Sorted as the prompt shows them (Jinja's dictsort): without regard to case, equal ones as they came. */
function caseInsensitive(names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, folded: name.toLowerCase() }))
    .sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0))
    .map(({ name }) => name);
}
