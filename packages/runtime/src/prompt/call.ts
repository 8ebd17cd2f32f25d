/**
 * One call as the model writes it, read as it comes. In: the text and the quote tokens between `<|tool_call>` and `<tool_call|>`.
 * Out: the tool's name, and its arguments as growing JSON text. Law: JSON text that was handed out never changes, and the input is
 * `JSON.parse` of all of it; so numbers are JSON's, and a key `__proto__` is a key like any other.
 */
import { isJsonObject, TOOL_NAME, type JsonObject } from "@orrery/chat";
import { JsonText } from "./json-text.ts";
import { MAX_VALUE_DEPTH } from "./value.ts";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const SPACE = /[ \t\n\r]/;
const HEAD = /^call:(.*)$/s;
/** `call:` and a name of 64 characters. */
const MAX_HEAD = 5 + 64;

/** A container that is still open; of an object, the keys it has. */
type Level = { readonly close: "}"; readonly keys: Set<string> } | { readonly close: "]" };

/**
 * Where the reader stands. `head`: before the first brace. `first-key`, `key`: where a key may start (behind the brace, behind a comma);
 * `bare-key`, `quoted-key`: inside one; `colon`: behind a quoted one. `first-item`, `value`: where a value may start; `string`, `bare`:
 * inside one; `after`: behind one. `done`: the outermost brace is closed. `broken`: this is no call.
 */
type State =
  | ("head" | "done" | "broken")
  | ("first-key" | "key" | "bare-key" | "quoted-key" | "colon")
  | ("first-item" | "value" | "string" | "bare" | "after");

export type FinishedCall = { readonly name: string; readonly input: JsonObject } | { readonly wrong: string };

export class CallReader {
  #state: State = "head";
  readonly #levels: Level[] = [];
  /** The head, the key or the bare value, as far as it has come. */
  #word = "";
  readonly #json = new JsonText();
  #name = "";
  #wrong = "";

  /** The tool's name; "" until the first brace. */
  get name(): string {
    return this.#name;
  }

  /** JSON text of the arguments that has become certain since the last time. */
  takeJson(): string {
    return this.#json.take();
  }

  /** Plain text. */
  text(text: string): void {
    if (this.#state === "string") this.#json.writeInString(text);
    else if (this.#state === "quoted-key") this.#word += text;
    else for (let i = 0; i < text.length && this.#state !== "broken"; i++) this.#character(text.charAt(i));
  }

  /** A quote token. */
  quote(): void {
    const state = this.#state;
    if (state === "first-key" || state === "key") this.#begin("quoted-key", "");
    else if (state === "quoted-key") this.#endKey("colon");
    else if (state === "first-item" || state === "value" || state === "string") {
      this.#json.write('"');
      this.#state = state === "string" ? "after" : "string";
    } else this.fail("a quote token where none may stand");
  }

  /** Declares the call broken. The first reason stays. */
  fail(wrong: string): void {
    if (this.#state === "broken") return;
    this.#state = "broken";
    this.#wrong = wrong;
  }

  /** What was read, now that `<tool_call|>` has come. */
  finish(): FinishedCall {
    if (this.#state !== "done") this.fail("it ends before its arguments do");
    if (this.#wrong !== "") return { wrong: this.#wrong };
    const input: unknown = JSON.parse(this.#json.whole);
    return isJsonObject(input) ? { name: this.#name, input } : { wrong: "its arguments are no object" };
  }

  #character(char: string): void {
    switch (this.#state) {
      case "head":
        return char === "{" ? this.#endHead() : this.#extendHead(char);
      case "first-key":
      case "key":
        return this.#beginKey(char);
      case "bare-key":
        if (char === ":") return this.#endKey("value");
        if (char === "}") return this.fail("a key without a value");
        this.#word += char;
        return;
      case "colon":
        if (char === ":") this.#state = "value";
        else if (!SPACE.test(char)) this.fail("no colon behind a key");
        return;
      case "first-item":
      case "value":
        return this.#beginValue(char);
      case "bare":
        if (!SPACE.test(char) && char !== "," && char !== "}" && char !== "]") this.#word += char;
        else if (this.#endBare()) this.#character(char);
        return;
      case "after":
        return this.#behindValue(char);
      default:
        if (!SPACE.test(char)) this.fail("text behind the arguments");
    }
  }

  #begin(state: "bare-key" | "quoted-key" | "bare", word: string): void {
    this.#word = word;
    this.#state = state;
  }

  #extendHead(char: string): void {
    this.#word += char;
    if (this.#word.length > MAX_HEAD) this.fail("it does not begin with call: and a tool's name");
  }

  #endHead(): void {
    const name = HEAD.exec(this.#word)?.[1] ?? "";
    if (!TOOL_NAME.test(name)) return this.fail("it does not begin with call: and a tool's name");
    this.#name = name;
    this.#open({ close: "}", keys: new Set() });
  }

  #beginKey(char: string): void {
    if (SPACE.test(char)) return;
    if (char === "}" && this.#state === "first-key") return this.#close(char);
    if (char === ":" || char === "}") return this.fail("a key is missing");
    this.#begin("bare-key", char);
  }

  #endKey(next: "colon" | "value"): void {
    const level = this.#levels.at(-1);
    if (level?.close !== "}") return this.fail("a key outside an object");
    if (level.keys.has(this.#word)) return this.fail(`the key ${JSON.stringify(this.#word)} comes twice`);
    this.#json.write(`${level.keys.size > 0 ? "," : ""}${JSON.stringify(this.#word)}:`);
    level.keys.add(this.#word);
    this.#state = next;
  }

  #beginValue(char: string): void {
    if (SPACE.test(char)) return;
    if (char === "]" && this.#state === "first-item") return this.#close(char);
    if (char === "{") this.#open({ close: "}", keys: new Set() });
    else if (char === "[") this.#open({ close: "]" });
    else if (char === "," || char === ":" || char === "}" || char === "]") this.fail("a value is missing");
    else this.#begin("bare", char);
  }

  /** True when the bare word is a value. */
  #endBare(): boolean {
    const word = this.#word;
    const isValue = word === "true" || word === "false" || word === "null" || (NUMBER.test(word) && Number.isFinite(Number(word)));
    if (isValue) {
      this.#json.write(word);
      this.#state = "after";
    } else this.fail(`${JSON.stringify(word.slice(0, 40))} is no value`);
    return isValue;
  }

  #behindValue(char: string): void {
    if (SPACE.test(char)) return;
    const level = this.#levels.at(-1);
    if (char === level?.close) return this.#close(char);
    if (char !== ",") return this.fail("neither a comma nor the end behind a value");
    if (level?.close === "]") this.#json.write(",");
    this.#state = level?.close === "]" ? "value" : "key";
  }

  #open(level: Level): void {
    if (this.#levels.length >= MAX_VALUE_DEPTH) return this.fail(`more than ${MAX_VALUE_DEPTH} levels`);
    this.#levels.push(level);
    this.#json.write(level.close === "}" ? "{" : "[");
    this.#state = level.close === "}" ? "first-key" : "first-item";
  }

  #close(close: "}" | "]"): void {
    this.#levels.pop();
    this.#json.write(close);
    this.#state = this.#levels.length > 0 ? "after" : "done";
  }
}
