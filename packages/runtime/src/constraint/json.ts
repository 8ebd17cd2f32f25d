/** JSON text without white space, as a surface. */
import type { Json } from "@orrery/chat";
import { spellings } from "./literals.ts";
import { sequence } from "./part.ts";
import { EVERY_STRING } from "./strings/index.ts";
import { textPart } from "./strings/index.ts";
import { bytes, type Surface } from "./surface.ts";

const quote = bytes('"');
const delimiter = spellings([quote]);

export const JSON_SURFACE: Surface = {
  delimiter: quote[0]!,
  string: (language) => sequence(delimiter, textPart(language, "json"), delimiter),
  key: (name) => bytes(`${JSON.stringify(name)}:`),
  freeKey: { open: quote, close: bytes('":'), spelling: "json", names: EVERY_STRING, repeats: 3 },
  order: (names) => names,
  read: (symbols) => JSON.parse(new TextDecoder().decode(Uint8Array.from(symbols))) as Json,
};
