/**
 * Arguments as models write them, read as they come. In: text behind the opening bracket. Out: growing JSON text. Law: what is spelled
 * as JSON or as Gemma 4's call syntax reads as what it says; of the rest, the mistakes that models are known to make are mended
 * (docs/parsing.md lists them), and anything else is a broken call. It ends: at most `MAX_VALUE_DEPTH` levels, at most a few retries.
 */
import type { JsonText } from "../json-text.ts";
import { MAX_VALUE_DEPTH } from "../value.ts";
import { BrokenCall, CutCall, type Retries } from "./failure.ts";
import { CLOSERS, RAW_QUOTES } from "./format.ts";
import { isSpace, type Input, type Reading } from "./input.ts";
import { isCloser, Lookahead, type Quote } from "./lookahead.ts";
import { isPlainWord, wordToJson } from "./word.ts";
import { StringText } from "./string-text.ts";

/** Longest key between quotes: it bounds what an opening quote without a closing one costs. */
const MAX_KEY = 4096;

const ESCAPES: { readonly [letter: string]: string | undefined } = {
  '"': '"',
  "'": "'",
  "`": "`",
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

export class LooseReader {
  readonly #input: Input;
  readonly #json: JsonText;
  readonly #retries: Retries;
  /** What closes each open level. */
  readonly #levels: string[] = [];
  readonly #ahead: Lookahead;
  /** Where the call ended if the string that is being read never does: behind a closing marker inside it. */
  #end: number | undefined;

  constructor(input: Input, json: JsonText, retries: Retries) {
    this.#input = input;
    this.#json = json;
    this.#retries = retries;
    this.#ahead = new Lookahead(input, this.#levels);
  }

  /** What is still open, outermost first. */
  get openLevels(): string {
    return this.#levels.join("");
  }

  /** The arguments of a call whose bracket has been read: `{key:value}`, `(key=value)` or `({"key": value})`. */
  *arguments(bracket: "{" | "("): Reading<void> {
    if (bracket === "{") return yield* this.#object("}");
    const at = yield* this.#input.behindSpace();
    if ((yield* this.#input.peek(at)) !== "{") return yield* this.#object(")");
    this.#input.take(at + 1);
    yield* this.#object("}");
    const end = yield* this.#input.behindSpace();
    if ((yield* this.#input.peek(end)) === ")") this.#input.take(end + 1);
  }

  /** A value of any type. Returns the key that a string without its closing quote ran into; its value is ahead. */
  *value(): Reading<string | undefined> {
    yield* this.#skip(isSpace);
    const quote = yield* this.#ahead.quote();
    if (quote) return yield* this.#string(quote);
    const char = yield* this.#input.peek();
    if (char === "{" || char === "[") this.#input.take(1);
    if (char === "{") yield* this.#object("}");
    else if (char === "[") yield* this.#list();
    else yield* this.#word();
    return undefined;
  }

  /**
   * The text has ended inside a string in which a call seems to have ended: reads on from behind that call. False when there was none;
   * then the call is cut.
   */
  recover(): boolean {
    if (this.#end === undefined) return false;
    this.#json.drop();
    this.#json.write('"');
    this.closeAll();
    this.#input.rewind(this.#end);
    this.#retries.left--;
    return true;
  }

  closeAll(): void {
    for (const level of this.#levels.toReversed()) this.#json.write(level === "]" ? "]" : "}");
    this.#levels.length = 0;
  }

  *#object(close: "}" | ")"): Reading<void> {
    this.#open(close, "{");
    for (let count = 0; !(yield* this.#closes(close, count)); count++) {
      if (count > 0) this.#json.write(",");
      yield* this.#key();
      for (let next = yield* this.value(); next !== undefined; next = yield* this.value()) this.#json.write(`,${JSON.stringify(next)}:`);
    }
    this.#close("}");
  }

  *#list(): Reading<void> {
    this.#open("]", "[");
    for (let count = 0; !(yield* this.#closes("]", count)); count++) {
      if (count > 0) this.#json.write(",");
      yield* this.value();
    }
    this.#close("]");
  }

  #open(level: string, bracket: string): void {
    if (this.#levels.length >= MAX_VALUE_DEPTH) throw new BrokenCall(`more than ${MAX_VALUE_DEPTH} levels`);
    this.#levels.push(level);
    this.#json.write(bracket);
  }

  #close(bracket: string): void {
    this.#levels.pop();
    this.#json.write(bracket);
  }

  /** Reads what separates values. True when the level ends: at its bracket, or where its bracket is missing. */
  *#closes(close: string, count: number): Reading<boolean> {
    for (;;) {
      yield* this.#skip((char) => isSpace(char) || char === ",");
      const char = yield* this.#input.peek();
      if (char === "") throw new CutCall(true);
      if (yield* this.#ahead.boundary()) {
        if (count === 0 && (yield* this.#input.oneOf(CLOSERS)) === undefined) throw new BrokenCall("another call begins inside it");
        return true;
      }
      if (!isCloser(char)) return false;
      if (char !== close && this.#levels.includes(char)) return true;
      this.#input.take(1);
      if (char === close) return true;
    }
  }

  *#key(): Reading<void> {
    const quote = yield* this.#ahead.quote();
    if (quote) yield* this.#quotedKey(quote);
    else yield* this.#bareKey();
    yield* this.#skip(isSpace);
    const char = yield* this.#input.peek();
    if (char === "") throw new CutCall(false);
    if (char !== ":" && char !== "=") throw new BrokenCall("no colon behind a key");
    this.#input.take(1);
    this.#json.write(":");
  }

  *#quotedKey(quote: Quote): Reading<void> {
    const input = this.#input;
    let key = "";
    input.take(quote.text.length);
    for (;;) {
      key += input.takeUntil(quote.stops);
      const char = yield* input.peek();
      if (char === "") throw new CutCall(false);
      if (key.length > MAX_KEY) throw new BrokenCall(`a key of more than ${MAX_KEY} characters`);
      if (char === "\\" && quote.escapes) key += yield* this.#escape();
      else if ((yield* input.sees(quote.text)) && (yield* this.#ahead.endsKey(quote.text.length))) break;
      else key += input.take(1) + input.takeUntil(quote.stops);
    }
    input.take(quote.text.length);
    this.#json.write(JSON.stringify(key));
  }

  *#bareKey(): Reading<void> {
    const input = this.#input;
    let key = "";
    for (;;) {
      const char = yield* input.peek();
      if (char === "") throw new CutCall(false);
      if (char === ":" || (char === "=" && (yield* this.#separates(key)))) break;
      if (char === "}" || char === ")") throw new BrokenCall("a key without a value");
      if (char === "<" && ((yield* this.#ahead.boundary()) || (yield* this.#ahead.quote())))
        throw new BrokenCall("a marker where a key should be");
      key += input.take(1) + input.takeUntil(/[:=})<]/g);
    }
    key = key.trim();
    if (key === "") throw new BrokenCall("a key is missing");
    this.#json.write(JSON.stringify(key));
  }

  /** Whether the equals sign ahead stands for a colon. */
  *#separates(key: string): Reading<boolean> {
    if (this.#levels.at(-1) === ")") return true;
    return /^[\w.$-]+\s*$/.test(key) && (yield* this.#ahead.plainValue(1));
  }

  /** A word without quotes, up to where structure goes on. */
  *#word(): Reading<void> {
    const input = this.#input;
    let word = "";
    for (;;) {
      const char = yield* input.peek();
      if (char === "") throw new CutCall(false);
      if (char === "," || isCloser(char)) {
        if (isPlainWord(word.trim()) || (yield* this.#ahead.afterValue(0, false)) === "structure") break;
      } else if (char === "\n") {
        if (yield* this.#ahead.name(yield* input.behindSpace())) break;
      } else if (char === "<") {
        if (yield* this.#ahead.boundary()) break;
        const quote = yield* input.oneOf(RAW_QUOTES);
        if (quote !== undefined && (yield* this.#ahead.afterValue(quote.length, true)) === "structure") {
          this.#json.write(JSON.stringify(word.trim())); // its opening quote is missing
          input.take(quote.length);
          return;
        }
      }
      word += input.take(1) + input.takeUntil(/[,}\])\n<]/g);
    }
    word = word.trim();
    if (word === "" && (yield* this.#ahead.boundary())) throw new BrokenCall("it ends before its arguments do");
    this.#json.write(wordToJson(word));
  }

  /** A string in quotes. Returns the key that it ran into. */
  *#string(quote: Quote): Reading<string | undefined> {
    const input = this.#input;
    const text = new StringText(this.#json);
    /** Inside a string that the text quotes: `…{city:<|"|>Paris<|"|>}…`. */
    let inner = false;
    /** How to read on as if the first inner string were none. */
    let retreat: (() => void) | undefined;
    let mayRetreat = quote.raw;
    input.take(quote.text.length);
    this.#json.write('"');
    for (;;) {
      const run = input.takeUntil(quote.stops);
      if (run !== "") text.push(run);
      const char = yield* input.peek();
      if (char === "") {
        if (retreat === undefined || this.#end !== undefined) throw new CutCall(false);
        retreat();
        retreat = undefined;
        mayRetreat = inner = false;
      } else if (char === "\\" && quote.escapes) text.push(yield* this.#escape());
      else if (!(yield* input.sees(quote.text))) {
        if (!inner && !retreat && (yield* this.#endsCall(text))) continue;
        text.push(input.take(1) + input.takeUntil(quote.stops));
      } else {
        const length = quote.text.length;
        const following = inner ? "other" : yield* this.#ahead.afterValue(length, quote.raw);
        if (following === "structure") break;
        const next = following === "other" && quote.raw && !inner && !retreat ? this.#nextKey(text) : undefined;
        if (next !== undefined) return next;
        if (following === "key") break;
        if (inner) inner = false;
        else if (mayRetreat && text.expectsValue) {
          inner = true;
          if (!retreat && this.#end === undefined && this.#retries.left > 0) retreat = this.#retreat(text);
        }
        text.push(input.take(length));
      }
    }
    input.take(quote.text.length);
    if (!quote.raw) yield* this.#strayQuote();
    this.#endString(text);
    return undefined;
  }

  #endString(text: StringText): void {
    text.flush();
    this.#json.keep();
    this.#end = undefined;
    this.#json.write('"');
  }

  /** In an object, the key before the quote ahead, which then opens its value: the string's own closing quote is missing. */
  #nextKey(text: StringText): string | undefined {
    const key = this.#levels.at(-1) === "]" ? undefined : text.takeNextKey();
    if (key !== undefined) this.#endString(text);
    return key;
  }

  #retreat(text: StringText): () => void {
    const { position } = this.#input;
    const restore = text.doubt();
    return () => {
      restore();
      this.#input.rewind(position);
      this.#retries.left--;
    };
  }

  /** At a closing marker in a string, behind a bracket, where a call may well end: remembers that it may have ended here. */
  *#endsCall(text: StringText): Reading<boolean> {
    if (this.#end !== undefined || this.#retries.left <= 0 || !text.endsWithBrace) return false;
    const closer = yield* this.#input.oneOf(CLOSERS);
    if (closer === undefined || !(yield* this.#ahead.endsHere(closer.length))) return false;
    const brackets = text.takeClosing();
    this.#json.doubt();
    text.push(brackets + this.#input.take(closer.length));
    this.#end = this.#input.position;
    return true;
  }

  /** What an escape stands for. */
  *#escape(): Reading<string> {
    const input = this.#input;
    const letter = yield* input.peek(1);
    const plain = ESCAPES[letter];
    if (plain !== undefined) {
      input.take(2);
      return plain;
    }
    if (letter === "u") yield* input.has(6);
    const code = /^[\da-fA-F]{4}$/.exec(input.ahead(2, 4))?.[0];
    if (letter !== "u" || code === undefined) return input.take(1); // no escape at all: `\d` of an expression, `C:\Users`
    input.take(6);
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  /** A marker quote behind a string that is already closed by a plain one. */
  *#strayQuote(): Reading<void> {
    const at = yield* this.#input.behindSpace();
    const stray = yield* this.#input.oneOf(RAW_QUOTES, at);
    if (stray !== undefined) this.#input.take(at + stray.length);
  }

  *#skip(isSkipped: (char: string) => boolean): Reading<void> {
    for (let char = yield* this.#input.peek(); char !== "" && isSkipped(char); char = yield* this.#input.peek()) this.#input.take(1);
  }
}
