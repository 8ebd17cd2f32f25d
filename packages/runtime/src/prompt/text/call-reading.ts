/**
 * Calls, read where they begin. In: the input at a call's first character. Out: what each turned out to be, told to a listener. Law: a
 * call that has begun is told exactly once, as a call, as malformed or as unclosed; behind it the input stands where the call ends.
 */
import { isJsonObject, type Json, type JsonObject } from "@orrery/chat";
import { JsonText } from "../json-text.ts";
import { callsOf } from "./envelope.ts";
import { BrokenCall, CutCall, type Retries } from "./failure.ts";
import { CLOSERS, NATIVE_OPENERS, OPENERS, RAW_QUOTES, STOPS } from "./format.ts";
import type { Input, Reading } from "./input.ts";
import { LooseReader } from "./loose-reader.ts";
import { isNamePart, MAX_NAME } from "./tool-name.ts";

export type Outcome =
  | { readonly type: "call"; readonly name: string; readonly json: string; readonly input: JsonObject }
  | { readonly type: "malformed"; readonly wrong: string; readonly raw: string }
  | { readonly type: "unclosed"; readonly name: string; readonly raw: string };

export interface CallListener {
  /** A call begins whose arguments will grow in `json`. */
  begin(name: string, json: JsonText): void;
  settle(outcome: Outcome): void;
}

interface Head {
  /** `cut`: the text ends before the bracket. */
  readonly how: "native" | "json" | "cut";
  readonly name: string;
  /** Characters up to and with the bracket; before it for `json`. */
  readonly length: number;
}

export class CallReading {
  readonly #input: Input;
  readonly #retries: Retries;

  /** @param retries none left: only calls whose strings end are read */
  constructor(input: Input, retries: Retries) {
    this.#input = input;
    this.#retries = retries;
  }

  /** Calls behind an opening marker that is ahead. False, and nothing read, when no call begins there. */
  *marked(opener: string, listener: CallListener): Reading<boolean> {
    const head = yield* this.#head(opener.length, NATIVE_OPENERS.includes(opener));
    if (!head) return false;
    this.#input.take(opener.length);
    const behind = { ...head, length: head.length - opener.length };
    if (head.how === "json") yield* this.#jsonCalls(listener);
    else yield* this.#nativeCalls(behind, listener);
    return true;
  }

  /** `call:NAME{…}` without markers. False, and nothing read, when it does not stand ahead. */
  *unmarked(listener: CallListener): Reading<boolean> {
    const head = (yield* this.#input.sees("call:")) ? yield* this.#head(0, true) : undefined;
    if (head?.how !== "native") return false;
    yield* this.#nativeCalls(head, listener);
    return true;
  }

  /**
   * One JSON value. Returns what it is: calls, anything else (a value, but no call), or undefined when it is not JSON even by a stretch.
   * @param marked see `callsOf`
   */
  *json(marked: boolean): Reading<readonly Outcome[] | "other" | undefined> {
    const from = this.#input.position;
    const json = new JsonText();
    const reader = new LooseReader(this.#input, json, this.#retries);
    let strict = marked;
    try {
      yield* reader.value();
    } catch (failure) {
      if (failure instanceof BrokenCall) return undefined;
      if (!(failure instanceof CutCall)) throw failure;
      if (!reader.recover()) {
        if (!failure.betweenValues || !/^\]?\}?$/.test(reader.openLevels)) return unclosedJson(this.#input.since(from), marked);
        reader.closeAll();
        strict = false; // its arguments must have been there
      }
    }
    const value = JSON.parse(json.whole) as Json;
    const calls = callsOf(value, strict);
    if (!calls) return strict === marked ? "other" : (unclosedJson(this.#input.since(from), marked) ?? "other");
    return calls.map(({ name, input }) => ({ type: "call", name, json: JSON.stringify(input), input }));
  }

  /** Whether an object, or a list of objects, begins at `offset`. */
  *jsonBegins(offset = 0): Reading<boolean> {
    const char = yield* this.#input.peek(offset);
    if (char !== "{" && char !== "[") return false;
    const next = yield* this.#input.peek(yield* this.#input.behindSpace(offset + 1));
    return char === "[" ? next === "{" || next === "]" || next === "" : /^["'}]?$/.test(next) || isNamePart(next);
  }

  *#head(from: number, native: boolean): Reading<Head | undefined> {
    const input = this.#input;
    const start = yield* input.behindSpace(from);
    const first = yield* input.peek(start);
    if (first === "") return { how: "cut", name: "", length: start };
    if (yield* this.jsonBegins(start)) return { how: "json", name: "", length: start };
    const hasPrefix = yield* input.sees("call:", start);
    if (!hasPrefix && !native) return undefined;
    const nameStart = hasPrefix ? yield* input.behindSpace(start + 5) : start;
    let end = nameStart;
    while (end - nameStart <= MAX_NAME && isNamePart(yield* input.peek(end))) end++;
    if (end - nameStart > MAX_NAME) return undefined;
    const name = input.ahead(nameStart, end - nameStart);
    const bracket = yield* input.behindSpace(end);
    const char = yield* input.peek(bracket);
    if (char === "") return hasPrefix || "call:".startsWith(name) ? { how: "cut", name: "", length: bracket } : undefined;
    if (name === "" || (char !== "{" && (char !== "(" || !hasPrefix))) return undefined;
    return { how: "native", name, length: bracket + 1 };
  }

  *#nativeCalls(first: Head, listener: CallListener): Reading<void> {
    for (let head: Head | undefined = first; head; head = yield* this.#behindCall()) {
      const from = this.#input.position;
      const start = this.#input.take(head.length);
      if (head.how === "cut") return listener.settle({ type: "unclosed", name: "", raw: start });
      const json = new JsonText();
      listener.begin(head.name, json);
      const reader = new LooseReader(this.#input, json, this.#retries);
      try {
        yield* reader.arguments(start.endsWith("(") ? "(" : "{");
      } catch (failure) {
        if (failure instanceof BrokenCall) return listener.settle(yield* this.#malformed(failure.message, from));
        if (!(failure instanceof CutCall)) throw failure;
        if (!reader.recover()) return listener.settle({ type: "unclosed", name: head.name, raw: this.#input.since(from) });
      }
      const input: unknown = JSON.parse(json.whole);
      if (isJsonObject(input)) listener.settle({ type: "call", name: head.name, json: json.whole, input });
    }
  }

  *#jsonCalls(listener: CallListener): Reading<void> {
    const input = this.#input;
    for (;;) {
      input.take(yield* input.behindSpace());
      const from = input.position;
      const found = yield* this.json(true);
      if (found === undefined) return listener.settle(yield* this.#malformed("it is no JSON", from));
      if (found === "other")
        listener.settle({ type: "malformed", wrong: "it names no tool, or its arguments are no object", raw: input.since(from) });
      else for (const outcome of found) listener.settle(outcome);
      let at = yield* this.#brackets();
      if (yield* this.#closers(at)) return;
      if ((yield* input.peek(at)) === ",") at = yield* input.behindSpace(at + 1);
      const next = yield* input.peek(at);
      if (next !== "{" && next !== "[") return;
      input.take(at);
    }
  }

  /** Reads what ends a call. The head of the next, if it stands there without an opening marker. */
  *#behindCall(): Reading<Head | undefined> {
    const input = this.#input;
    let at = yield* this.#brackets();
    const stray = yield* input.oneOf(RAW_QUOTES, at);
    if (stray !== undefined) at = yield* input.behindSpace(at + stray.length);
    if (yield* this.#closers(at)) return undefined;
    if (",;".includes(yield* input.peek(at))) at = yield* input.behindSpace(at + 1);
    if (!(yield* input.sees("call:", at))) return undefined;
    const head = yield* this.#head(at, true);
    if (head?.how !== "native") return undefined;
    input.take(at);
    return { ...head, length: head.length - at };
  }

  /** The offset behind white space and closing brackets too many. */
  *#brackets(): Reading<number> {
    let at = yield* this.#input.behindSpace();
    for (let count = 0; count < 64; count++) {
      const char = yield* this.#input.peek(at);
      if (char === "" || !"}])".includes(char)) break;
      at = yield* this.#input.behindSpace(at + 1);
    }
    return at;
  }

  /** Reads up to and with the closing markers at `offset`. */
  *#closers(offset: number): Reading<boolean> {
    let at = offset;
    let end = 0;
    for (let closer = yield* this.#closer(at); closer !== undefined; closer = yield* this.#closer(at)) {
      end = at + closer.length;
      at = yield* this.#input.behindSpace(end);
      if (at - offset > 256) break;
    }
    this.#input.take(end);
    return end > 0;
  }

  *#closer(offset: number): Reading<string | undefined> {
    return (yield* this.#input.peek(offset)) === "<" ? yield* this.#input.oneOf(CLOSERS, offset) : undefined;
  }

  /** A call that is none ends behind its closing marker, before the next call, before a stop, or with the text. */
  *#malformed(wrong: string, from: number): Reading<Outcome> {
    const input = this.#input;
    for (;;) {
      input.takeUntil(/</g);
      if ((yield* input.peek()) === "") return { type: "malformed", wrong, raw: input.since(from) };
      const closer = yield* input.oneOf(CLOSERS);
      const opener = closer === undefined ? yield* input.oneOf(OPENERS) : undefined;
      const next = opener !== undefined && (yield* this.#head(opener.length, false));
      if (closer !== undefined || next || (yield* input.oneOf(STOPS)) !== undefined) {
        const raw = input.since(from);
        input.take(closer?.length ?? 0);
        return { type: "malformed", wrong, raw };
      }
      input.take(1);
    }
  }
}

/** JSON that is not whole, if it was going to be a call. */
function unclosedJson(raw: string, marked: boolean): readonly Outcome[] | undefined {
  const name = /^[\s[{]{0,64}["'](?:name|function|tool)["']\s{0,64}:\s{0,64}["']([^"'\n]{1,128})["']/.exec(raw)?.[1];
  const hasArguments = /["'](?:arguments|parameters|args)["']\s{0,64}:/.test(raw);
  return marked || (name !== undefined && hasArguments) ? [{ type: "unclosed", name: name ?? "", raw }] : undefined;
}
