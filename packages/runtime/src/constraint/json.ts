/** JSON text as a surface. In: what stands between its tokens. Law: each value has one spelling. */
import type { Json } from "@orrery/chat";
import { COMPACT, type JsonSpacing } from "../prompt/format.ts";
import { spellings } from "./literals.ts";
import { sequence } from "./part.ts";
import { EVERY_STRING } from "./strings/index.ts";
import { textPart } from "./strings/index.ts";
import { bytes, type Surface } from "./surface.ts";

const quote = bytes('"');
const delimiter = spellings([quote]);

export function jsonSurface({ comma, colon }: JsonSpacing): Surface {
  return {
    comma: bytes(comma),
    delimiter: quote[0]!,
    string: (language) => sequence(delimiter, textPart(language, "json"), delimiter),
    key: (name) => bytes(`${JSON.stringify(name)}${colon}`),
    freeKey: { open: quote, close: bytes(`"${colon}`), spelling: "json", names: EVERY_STRING, repeats: 3 },
    order: (names) => names,
    read: (symbols) => JSON.parse(new TextDecoder().decode(Uint8Array.from(symbols))) as Json,
  };
}

/** Without white space: answers, and what the library compiles. */
export const JSON_SURFACE = jsonSurface(COMPACT);
