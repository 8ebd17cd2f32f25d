/**
 * The input of a call as JSON, read as it comes. In: text. Out: how much of it is the input. Law: the input is `JSON.parse` of all that was
 * taken; what it cannot be is told at once where its brackets show it, and at its last brace at the latest.
 */
import { isJsonObject, type JsonObject } from "@orrery/chat";
import { MAX_VALUE_DEPTH } from "./value.ts";

export class JsonInput {
  #text = "";
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #wrong = "";
  #value: JsonObject | undefined;

  /** What is wrong with it; "" as long as nothing is. */
  get wrong(): string {
    return this.#wrong;
  }

  /** The whole input, once its last brace has come. */
  get value(): JsonObject | undefined {
    return this.#value;
  }

  /** Takes of `text` what belongs to the input, from `start` on. */
  push(text: string, start: number): string {
    let end = start;
    while (end < text.length && this.#wrong === "") {
      const goesOn = this.#character(text.charAt(end));
      if (this.#wrong === "") end++;
      if (!goesOn) break;
    }
    const taken = text.slice(start, end);
    this.#text += taken;
    if (this.#depth === 0 && this.#wrong === "" && this.#text !== "") this.#parse();
    return taken;
  }

  /** False when nothing of the input can follow. */
  #character(char: string): boolean {
    if (this.#depth === 0 && char !== "{") this.#wrong = "its arguments are no object";
    else if (this.#isInString) {
      this.#isInString = this.#isEscaped || char !== '"';
      this.#isEscaped = !this.#isEscaped && char === "\\";
    } else if (char === '"') this.#isInString = true;
    else if (char === "{" || char === "[") {
      if (++this.#depth > MAX_VALUE_DEPTH) this.#wrong = `more than ${MAX_VALUE_DEPTH} levels`;
    } else if (char === "}" || char === "]") this.#depth--;
    return this.#depth > 0;
  }

  #parse(): void {
    try {
      const value: unknown = JSON.parse(this.#text, (_, inner: unknown) => {
        if (inner === Infinity || inner === -Infinity) throw new RangeError("a number beyond all numbers");
        return inner;
      });
      if (isJsonObject(value)) this.#value = value;
      else this.#wrong = "its arguments are no object";
    } catch (error) {
      this.#wrong = `its arguments are no JSON: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
