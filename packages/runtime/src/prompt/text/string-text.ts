/**
 * The text of a string in a call while its end is in question. In: text as it is read. Out: JSON. Law: a suffix that may turn out to be
 * structure (closing brackets, or the next key when a closing quote is missing) is held back until something follows it.
 */
import type { JsonText } from "../json-text.ts";

/** Longest suffix that is looked at: enough for a key and its neighbours. */
const RECENT = 80;
const MAX_HELD = 200;

const CLOSING = " \n\r\t}])";
/** A comma and what may become `,key:`. */
const BEGUN_KEY = /,\s*[\w.$-]*\s*[:=]?\s*$/;
const NEXT_KEY = /,\s*([A-Za-z_$][\w.$-]*)\s*[:=]\s*$/;
const VALUE_FOLLOWS = /[:=[,{(]\s*$/;

export class StringText {
  readonly #json: JsonText;
  #held = "";
  #recent = "";
  /** Opening braces less closing ones. */
  #braces = 0;

  constructor(json: JsonText) {
    this.#json = json;
  }

  push(text: string): void {
    this.#held += text;
    this.#recent = (this.#recent + text.slice(-RECENT)).slice(-RECENT);
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at);
      if (char === 0x7b) this.#braces++;
      else if (char === 0x7d) this.#braces--;
    }
    const begun = BEGUN_KEY.exec(this.#held.slice(-RECENT))?.[0].length ?? 0;
    this.#release(this.#held.length - Math.max(begun, Math.min(this.#closing(), MAX_HELD)));
  }

  /** Whether the text ends where a value would stand in a call that it quotes. */
  get expectsValue(): boolean {
    return VALUE_FOLLOWS.test(this.#recent);
  }

  get endsWithBrace(): boolean {
    return /[})]/.test(this.#held.slice(this.#held.length - this.#closing()));
  }

  /** The key that the text ran into because its closing quote is missing; the text then ends before it. */
  takeNextKey(): string | undefined {
    const next = this.#braces > 0 ? null : NEXT_KEY.exec(this.#held.slice(-RECENT));
    if (!next) return undefined;
    this.#held = this.#held.slice(0, this.#held.length - next[0].length);
    return next[1];
  }

  /** All text so far is text, and what comes is in doubt. Returns how to come back here. */
  doubt(): () => void {
    this.flush();
    this.#json.doubt();
    const recent = this.#recent;
    const braces = this.#braces;
    return () => {
      this.#json.drop();
      this.#held = "";
      this.#recent = recent;
      this.#braces = braces;
    };
  }

  /** Everything is text. */
  flush(): void {
    this.#release(this.#held.length);
  }

  /** Everything but the closing brackets at the end is text; those are returned. */
  takeClosing(): string {
    this.#release(this.#held.length - this.#closing());
    const closing = this.#held;
    this.#held = "";
    return closing;
  }

  #closing(): number {
    let from = this.#held.length;
    while (from > 0 && this.#held.length - from < MAX_HELD && CLOSING.includes(this.#held.charAt(from - 1))) from--;
    return this.#held.length - from;
  }

  #release(count: number): void {
    if (count <= 0) return;
    this.#json.writeInString(this.#held.slice(0, count));
    this.#held = this.#held.slice(count);
  }
}
