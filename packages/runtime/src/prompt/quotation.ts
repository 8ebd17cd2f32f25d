/**
 * What comes from outside, kept out of a template. In: texts. Out: a marker for each, which the template handles in its place; and its
 * rendering with the texts put back. Law: a text is never seen by the template, so nothing in it can be taken for the template's own
 * words; a marker that does not come out whole is an error.
 *
 * A marker has a quotation mark, which is escaped as often as the text around it is, so it is known how often JSON was written of it; and
 * two letters, which tell whether it was put in capitals. White space at the ends of a text stays outside its marker, for templates trim.
 * Markers are in the order of their texts, for templates sort.
 */
import { PromptError } from "../errors.ts";

/** A part of a rendering: the template's own words, or a text from outside. */
export type Part = { readonly own: string } | { readonly quoted: string; readonly owner: number };

/** Who said a text: the number of a message; or {@link NOBODY}, where equal texts are one. */
export const NOBODY = -1;

/** Gives each text its marker. */
export type Quote = (text: string, owner: number) => string;

const OPEN = "\ue000qQ";
const CLOSE = "\ue001";
const ZERO = 0xe010;
const WIDTH = 6;
const MARKER = /\ue000qQ(\\*)"([\ue010-\ue019]{6})\ue001/g;
const RESERVED = /[\ue000-\ue019]|\\ue0[01][0-9]/i;

interface Entry {
  readonly text: string;
  readonly owner: number;
}

export class Quotations {
  readonly #entries: readonly Entry[];
  readonly #markers = new Map<string, string>();

  /** @param use called with the quotes to be: its result is thrown away. @throws PromptError `prompt/template-limits` */
  constructor(use: (quote: Quote) => void) {
    const entries = new Map<string, Entry>();
    use((text, owner) => {
      const core = text.trim();
      if (core !== "") entries.set(keyOf(core, owner), { text: core, owner });
      return text;
    });
    this.#entries = [...entries.values()]
      .map((entry) => ({ entry, folded: entry.text.toLowerCase() }))
      .sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0))
      .map(({ entry }) => entry);
    if (this.#entries.length >= 10 ** WIDTH)
      throw new PromptError("prompt/template-limits", `the conversation has ${this.#entries.length} texts, more than can be told apart`, {
        hint: "shorten the conversation",
      });
    this.#entries.forEach(({ text, owner }, at) => this.#markers.set(keyOf(text, owner), `${OPEN}"${digits(at)}${CLOSE}`));
  }

  /** The marker of a text that was announced, with the white space around it. */
  readonly quote: Quote = (text, owner) => {
    const core = text.trim();
    return core === "" ? text : text.replace(core, () => this.#markers.get(keyOf(core, owner))!);
  };

  /** @throws PromptError `prompt/template-lost-text` for a marker that was cut or changed */
  read(rendered: string): Part[] {
    const parts: Part[] = [];
    let end = 0;
    for (const match of rendered.matchAll(MARKER)) {
      const [whole, escapes = "", number = ""] = match;
      parts.push({ own: intact(rendered.slice(end, match.index)) });
      const { text, owner } = this.#entries[valueOf(number)]!;
      parts.push({ quoted: escaped(text, levelOf(escapes.length)), owner });
      end = match.index + whole.length;
    }
    parts.push({ own: intact(rendered.slice(end)) });
    return parts.filter((part) => "quoted" in part || part.own !== "");
  }
}

/** Whether a template could be mistaken for markers. */
export function usesMarkers(source: string): boolean {
  return RESERVED.test(source);
}

function keyOf(text: string, owner: number): string {
  return `${owner} ${text}`;
}

function digits(value: number): string {
  return [...String(value).padStart(WIDTH, "0")].map((digit) => String.fromCharCode(ZERO + Number(digit))).join("");
}

function valueOf(number: string): number {
  return [...number].reduce((value, digit) => value * 10 + digit.charCodeAt(0) - ZERO, 0);
}

/** How often JSON was written of a quotation mark that has so many escapes before it: 0, 1, 3, 7, … */
function levelOf(escapes: number): number {
  const level = Math.log2(escapes + 1);
  if (!Number.isInteger(level)) throw lost("a text was written as JSON in part");
  return level;
}

function escaped(text: string, level: number): string {
  return level === 0 ? text : escaped(JSON.stringify(text).slice(1, -1), level - 1);
}

function intact(own: string): string {
  if (RESERVED.test(own)) throw lost("it cut or changed a text of the conversation");
  return own;
}

export function lost(what: string): PromptError {
  return new PromptError("prompt/template-lost-text", `the checkpoint's chat template does not render the conversation as it is: ${what}`, {
    hint: "change the conversation, or continue a text with generate()",
  });
}
