/**
 * What is read while it is open whether a call is a call or is only spoken of: in code, in a thought, in quotation marks. In: texts and
 * calls in their order. Out: all as text, or the calls as calls. Law: nothing is lost either way.
 */
import type { Outcome } from "./call-reading.ts";

interface HeldCalls {
  readonly raw: string;
  readonly outcomes: readonly Outcome[];
}

export class Held {
  readonly #items: (string | HeldCalls)[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  addText(text: string): void {
    this.#items.push(text);
  }

  addCalls(raw: string, outcomes: readonly Outcome[]): void {
    this.#items.push({ raw, outcomes });
  }

  /** All of it as text. */
  takeText(): string {
    return this.#items
      .splice(0)
      .map((item) => (typeof item === "string" ? item : item.raw))
      .join("");
  }

  /** The calls that only white space and other calls follow are calls; what stands before them is text. */
  takeLastCalls(): { readonly text: string; readonly outcomes: readonly Outcome[] } {
    let from = this.#items.length;
    while (from > 0 && isCallOrSpace(this.#items[from - 1]!)) from--;
    const last = this.#items.splice(from);
    return { text: this.takeText(), outcomes: last.flatMap((item) => (typeof item === "string" ? [] : item.outcomes)) };
  }

  /** In their order. */
  takeAll(): readonly (string | readonly Outcome[])[] {
    return this.#items.splice(0).map((item) => (typeof item === "string" ? item : item.outcomes));
  }
}

function isCallOrSpace(item: string | HeldCalls): boolean {
  return typeof item !== "string" || /^\s*$/.test(item);
}
