/** JSON as a surface: compact, keys in the schema's order, one spelling of each exact value. */
import { JSON_TEXT } from "./alphabet.ts";
import { spellings } from "./literals.ts";
import { sequence } from "./part.ts";
import { bytes, type Surface } from "./surface.ts";
import { text } from "./text.ts";

const QUOTE = spellings([bytes('"')]);

export const JSON_SURFACE: Surface = {
  text: (min, max) => sequence(QUOTE, text(JSON_TEXT, { min, max }), QUOTE),
  string: (value) => bytes(JSON.stringify(value)),
  key: (name) => bytes(`${JSON.stringify(name)}:`),
  order: (names) => names,
};
