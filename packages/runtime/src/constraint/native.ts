/**
 * Gemma 4's call syntax as data: bare sorted keys, strings between quote tokens without escapes, no white space.
 * In: the id of the quote token. Out: a surface.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import { spellings } from "./literals.ts";
import { CONTROL, sequence, type Symbol } from "./part.ts";
import { pattern, textPart, type Language } from "./strings/index.ts";
import { bytes, type Surface } from "./surface.ts";

/** What would end a bare key or be taken for syntax, and characters nobody can see; no outer space. */
const KEY = String.raw`[^:{}\[\],"\p{Cc}\p{Cs}]`;
const NAMES = String.raw`^(?!\s)(?:${KEY})+(?<!\s)$`;
const WHOLE_KEY = new RegExp(NAMES, "u");
/** The same without looking around. */
const INNER = String.raw`[^:{}\[\],"\p{Cc}\p{Cs}\s]`;
const FREE_NAMES = String.raw`^${INNER}(?:${KEY}*${INNER})?$`;

/** Compiled once, when it is first needed: most tools name all their properties. */
let freeNames: Language | undefined;

export function nativeSurface(quote: number): Surface {
  const delimiter = CONTROL + quote;
  const quoted = spellings([[delimiter]]);
  return {
    comma: bytes(","),
    delimiter,
    string: (language) => sequence(quoted, textPart(language, "plain"), quoted),
    key(name, { subject, pointer }) {
      if (!WHOLE_KEY.test(name))
        throw new ConstraintError(
          "constraint/unsupported",
          `${subject}: the call syntax cannot spell the property name ${JSON.stringify(name)}`,
          { pointer, hint: "use a name without : { } [ ] , quotes, control characters or outer spaces" },
        );
      return bytes(`${name}:`);
    },
    freeKey: {
      open: [],
      close: bytes(":"),
      spelling: "plain",
      repeats: 2,
      get names() {
        return (freeNames ??= pattern(FREE_NAMES, { subject: "the call syntax", pointer: "" }));
      },
    },
    order: caseInsensitive,
    read: (symbols) => JSON.parse(asJson(symbols, delimiter)) as Json,
  };
}

/** Sorted as the prompt shows them (Jinja's dictsort): without regard to case, equal ones as they came. */
function caseInsensitive(names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, folded: name.toLowerCase() }))
    .sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0))
    .map(({ name }) => name);
}

/** A string may begin with U+FEFF. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A complete value in this syntax as JSON text. */
function asJson(symbols: readonly Symbol[], delimiter: Symbol): string {
  const pieces: { readonly text: string; readonly quoted: boolean }[] = [];
  let start = 0;
  let quoted = false;
  const cut = (end: number) => {
    pieces.push({ text: UTF8.decode(Uint8Array.from(symbols.slice(start, end))), quoted });
    start = end + 1;
    quoted = !quoted;
  };
  symbols.forEach((symbol, i) => {
    if (symbol === delimiter) cut(i);
  });
  cut(symbols.length);
  return pieces.map((piece) => (piece.quoted ? JSON.stringify(piece.text) : piece.text.replace(BARE_KEY, quoteKey))).join("");
}

/** A bare key after `{` or `,`, up to its colon. */
const BARE_KEY = /([{,])([^:{}[\],"]+):/gu;
const quoteKey = (_: string, before: string, name: string) => `${before}${JSON.stringify(name)}:`;
