/**
 * Stretches of a reply in which a call is only spoken of: fences, code spans, thoughts. In: the input at their beginning. Out: text or
 * reasoning. Law: a call inside is text once the stretch is closed; if the reply ends first, the stretch was none, and the calls at its
 * very end are calls.
 */
import { CallReading, type Outcome } from "./call-reading.ts";
import type { Retries } from "./failure.ts";
import { OPENERS } from "./format.ts";
import { Held } from "./held.ts";
import type { Input, Reading } from "./input.ts";
import type { ReplyText } from "./reply-text.ts";

const MAX_LANGUAGE = 64;

interface Stretch {
  /** What may be other than text in it. */
  readonly stops: RegExp;
  /** How many characters ahead close it; of a run that does not, how many are text, negative; else 0. */
  closing(isLineStart: boolean): Reading<number>;
  /** Whether it turns out to have been none, though the text goes on. */
  failsAt(char: string): boolean;
  say(text: string): void;
  /** What closed it. */
  close(marker: string): void;
}

export class Code {
  readonly #input: Input;
  readonly #reply: ReplyText;
  readonly #calls: CallReading;
  readonly #retries: Retries;

  constructor(input: Input, reply: ReplyText, retries: Retries) {
    this.#input = input;
    this.#reply = reply;
    this.#calls = new CallReading(input, { left: 0 }); // a string that never ends is one that was not meant to be read
    this.#retries = retries;
  }

  /** Code that begins with backticks or tildes. False, and nothing read, when none begins. */
  *read(mark: string): Reading<boolean> {
    const input = this.#input;
    const length = yield* this.#run(mark);
    if (length < 3 && mark === "~") return false;
    const isFence = length >= 3;
    const isBlock = isFence && this.#reply.isLineStart;
    const run = (): Reading<number> => this.#run(mark);
    this.#reply.text(input.take(length));
    yield* this.#stretch({
      stops: /[<`~\n]/g,
      *closing(isLineStart) {
        const count = yield* run();
        const closes = isFence ? count >= length && (!isBlock || (isLineStart && (yield* endsLine(input, count)))) : count === length;
        return closes ? count : -count;
      },
      failsAt: (char) => !isFence && char === "\n",
      say: (text) => this.#reply.text(text),
      close: (marker) => this.#reply.text(marker),
    });
    return true;
  }

  *readThought(closers: readonly string[]): Reading<void> {
    const input = this.#input;
    yield* this.#stretch({
      stops: /</g,
      *closing() {
        return (yield* input.oneOf(closers))?.length ?? 0;
      },
      failsAt: () => false,
      say: (text) => this.#reply.thought(text),
      close: () => undefined,
    });
  }

  /** The calls at an opener, if all of them are whole; else nothing is read. */
  *tryCalls(opener: string): Reading<{ readonly raw: string; readonly outcomes: readonly Outcome[] } | undefined> {
    if (this.#retries.left <= 0) return undefined;
    const from = this.#input.position;
    const outcomes: Outcome[] = [];
    const begins = yield* this.#calls.marked(opener, { begin: () => undefined, settle: (outcome) => outcomes.push(outcome) });
    if (!begins) return undefined;
    if (outcomes.every(({ type }) => type === "call")) return { raw: this.#input.since(from), outcomes };
    this.#retries.left--;
    this.#input.rewind(from);
    return undefined;
  }

  *language(mark: string): Reading<{ readonly name: string; readonly length: number } | undefined> {
    let start = 0;
    while ((yield* this.#input.peek(start)) === mark) start++;
    for (let end = start; end - start < MAX_LANGUAGE; end++) {
      const char = yield* this.#input.peek(end);
      if (char === "" || char === mark) return undefined;
      if (char === "\n")
        return {
          name: this.#input
            .ahead(start, end - start)
            .trim()
            .toLowerCase(),
          length: end + 1,
        };
    }
    return undefined;
  }

  *#run(mark: string): Reading<number> {
    let length = 0;
    while ((yield* this.#input.peek(length)) === mark) length++;
    return length;
  }

  *#stretch(stretch: Stretch): Reading<void> {
    const input = this.#input;
    const held = new Held();
    let isLineStart = false;
    const say = (text: string): void => {
      const line = text.slice(text.lastIndexOf("\n") + 1);
      isLineStart = (isLineStart || line.length < text.length) && /^\s*$/.test(line);
      if (held.isEmpty) stretch.say(text);
      else held.addText(text);
    };
    for (let char = yield* input.peek(); char !== ""; char = yield* input.peek()) {
      if (stretch.failsAt(char)) return this.#release(held.takeAll(), stretch);
      input.forget();
      const closing = yield* stretch.closing(isLineStart);
      if (closing > 0) {
        stretch.say(held.takeText());
        stretch.close(input.take(closing));
        return;
      }
      const opener = char === "<" ? yield* input.oneOf(OPENERS) : undefined;
      const tried = opener === undefined ? undefined : yield* this.tryCalls(opener);
      if (tried) held.addCalls(tried.raw, tried.outcomes);
      else if (closing < 0) say(input.take(-closing));
      else say(input.take(1) + input.takeUntil(stretch.stops));
    }
    const { text, outcomes } = held.takeLastCalls();
    this.#release([text, outcomes], stretch);
  }

  #release(items: readonly (string | readonly Outcome[])[], stretch: Stretch): void {
    for (const item of items) {
      if (typeof item === "string") stretch.say(item);
      else for (const outcome of item) this.#reply.settle(outcome);
    }
  }
}

function* endsLine(input: Input, offset: number): Reading<boolean> {
  let at = offset;
  let char = yield* input.peek(at);
  while ((char === " " || char === "\t" || char === "\r") && at - offset < MAX_LANGUAGE) char = yield* input.peek(++at);
  return char === "\n" || char === "";
}
