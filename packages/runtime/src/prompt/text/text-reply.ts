/**
 * Replies of models that are served elsewhere, read from text. In: text, in pieces of any size. Out: the parts of the reply parser. Law:
 * the parts do not depend on where the pieces were cut; a call is never lost (what began as one and is none is said so) and never
 * invented: what code, a thought or quotation marks hold is only spoken of. Linear time, and no text makes it throw.
 */
import type { ReplyPart } from "../reply.ts";
import { CallReading, type Outcome } from "./call-reading.ts";
import { Code } from "./code.ts";
import { MAX_RETRIES, type Retries } from "./failure.ts";
import { FENCE_LANGUAGES, HEADERS, MENTIONS, OPENERS, STOPS, stopReason, TEXT_RULES, THOUGHTS, type TextFormat } from "./format.ts";
import { Input, isSpace, type Reading } from "./input.ts";
import { ReplyText } from "./reply-text.ts";

export interface TextReplyParser {
  /** Reads a piece of the reply. */
  push(chunk: string): ReplyPart[];
  /** The reply is over: what was held back, and a call that is not complete. */
  end(): ReplyPart[];
}

export interface TextReplyOptions {
  /** The prompt left the model inside a thought. Default false. */
  readonly inThought?: boolean;
}

/** Reads a reply that is all there. */
export function parseReply(text: string, format: TextFormat, options: TextReplyOptions = {}): ReplyPart[] {
  const parser = createTextReplyParser(format, options);
  return [...parser.push(text), ...parser.end()];
}

/** Reads a reply as it comes. */
export function createTextReplyParser(format: TextFormat, options: TextReplyOptions = {}): TextReplyParser {
  return new Parser(format, options.inThought ?? false);
}

const OPENING_THOUGHTS = THOUGHTS.map(({ open }) => open);
const CLOSING_THOUGHTS = THOUGHTS.map(({ close }) => close);

class Parser implements TextReplyParser {
  readonly #format: TextFormat;
  readonly #input = new Input();
  readonly #reply = new ReplyText();
  readonly #retries: Retries = { left: MAX_RETRIES };
  readonly #calls = new CallReading(this.#input, this.#retries);
  readonly #code = new Code(this.#input, this.#reply, this.#retries);
  readonly #reading: Reading<void>;
  #isOver = false;

  constructor(format: TextFormat, inThought: boolean) {
    this.#format = format;
    this.#reading = this.#read(inThought);
  }

  push(chunk: string): ReplyPart[] {
    if (this.#isOver) return [];
    this.#input.write(chunk);
    return this.#step();
  }

  end(): ReplyPart[] {
    if (this.#isOver) return [];
    this.#isOver = true;
    this.#input.end();
    return this.#step();
  }

  #step(): ReplyPart[] {
    this.#reading.next();
    return this.#reply.take();
  }

  *#read(inThought: boolean): Reading<void> {
    if (inThought) yield* this.#thought("", CLOSING_THOUGHTS);
    else yield* this.#header();
    while (yield* this.#input.has(1)) {
      this.#input.forget();
      if (yield* this.#construct()) continue;
      this.#reply.text(this.#input.take(1) + this.#input.takeUntil(this.#reply.isBlank ? /[^ \t\r\n]/g : /[<`~{[\n]/g));
    }
  }

  /** Whatever is not just text, if it begins here. */
  *#construct(): Reading<boolean> {
    const char = yield* this.#input.peek();
    switch (char) {
      case "<":
        return (yield* this.#markedCall()) || (yield* this.#beginsThought()) || (yield* this.#stop());
      case "`":
      case "~":
        return (yield* this.#fencedCalls(char)) || (yield* this.#code.read(char));
      case "{":
      case "[":
        return yield* this.#bareJson();
      case "c":
        return yield* this.#bareNative();
      default:
        return false;
    }
  }

  *#header(): Reading<void> {
    const space = yield* this.#input.behindSpace();
    const header = yield* this.#input.oneOf(HEADERS, space);
    if (header === undefined) return;
    const end = space + header.length;
    this.#input.take((yield* this.#input.peek(end)) === "\n" ? end + 1 : end);
  }

  *#markedCall(): Reading<boolean> {
    const opener = yield* this.#input.oneOf(OPENERS);
    if (opener === undefined) return false;
    const mate = MENTIONS[this.#reply.last];
    const tried = mate === undefined ? undefined : yield* this.#code.tryCalls(opener);
    if (!tried) return yield* this.#calls.marked(opener, this.#reply);
    if ((yield* this.#input.peek()) === mate) this.#reply.text(tried.raw);
    else this.#settle(tried.outcomes);
    return true;
  }

  *#beginsThought(): Reading<boolean> {
    const input = this.#input;
    const open = yield* input.oneOf(OPENING_THOUGHTS);
    const kind = THOUGHTS.find((thought) => thought.open === open);
    if (!kind) return false;
    // in the middle of a text a marker only opens a thought if its channel is named, or at the start of a line
    const isNamed = kind.channel !== "" && (yield* input.sees(kind.channel, kind.open.length));
    if (!isNamed && !this.#reply.isLineStart) return false;
    input.take(kind.open.length);
    const space = kind.channel === "" ? yield* input.behindSpace() : 0;
    input.take(space);
    yield* this.#thought(kind.channel, [kind.close]);
    return true;
  }

  *#thought(channel: string, closers: readonly string[]): Reading<void> {
    this.#reply.beginThought(channel);
    yield* this.#code.readThought(closers);
    this.#reply.endThought();
  }

  /** A stop counts when only white space and other stops follow; elsewhere it is text. */
  *#stop(): Reading<boolean> {
    const from = this.#input.position;
    let first: string | undefined;
    for (let stop = yield* this.#input.oneOf(STOPS); stop !== undefined; stop = yield* this.#input.oneOf(STOPS)) {
      first ??= stop;
      this.#input.take(stop.length);
      yield* this.#space();
    }
    if (first === undefined) return false;
    if ((yield* this.#input.peek()) === "") this.#reply.stop(stopReason(first));
    else this.#reply.text(this.#input.since(from));
    return true;
  }

  *#space(): Reading<void> {
    while (isSpace(yield* this.#input.peek())) this.#input.take(1);
  }

  #settle(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.#reply.settle(outcome);
  }

  /** A fence that holds nothing but calls as JSON. */
  *#fencedCalls(mark: string): Reading<boolean> {
    const input = this.#input;
    if (!TEXT_RULES[this.#format].fencedJson || !(yield* input.sees(mark.repeat(3)))) return false;
    const language = yield* this.#code.language(mark);
    if (language === undefined || !FENCE_LANGUAGES.includes(language.name)) return false;
    const begin = yield* input.behindSpace(language.length);
    if (!(yield* this.#calls.jsonBegins(begin)) || this.#retries.left <= 0) return false;
    const from = input.position;
    input.take(begin);
    const outcomes = yield* this.#values(language.name !== "" && language.name !== "json");
    if (outcomes === undefined) this.#retries.left--;
    else if (outcomes.length > 0) {
      const end = yield* input.behindSpace();
      if ((yield* input.peek(end)) === "" || (yield* input.sees(mark.repeat(3), end))) {
        input.take(end);
        while ((yield* input.peek()) === mark) input.take(1);
        this.#settle(outcomes);
        return true;
      }
    }
    input.rewind(from);
    return false;
  }

  /** Calls as JSON at the beginning or the end of the reply. */
  *#bareJson(): Reading<boolean> {
    const input = this.#input;
    if (!TEXT_RULES[this.#format].bareJson || !this.#reply.isLineStart || this.#retries.left <= 0) return false;
    if (!(yield* this.#calls.jsonBegins())) return false;
    const from = input.position;
    const isFirst = this.#reply.isBlank;
    const outcomes = yield* this.#values(false);
    if (outcomes === undefined) {
      this.#retries.left--;
      input.rewind(from);
      return false;
    }
    if (outcomes.length > 0 && (isFirst || (yield* this.#endsReply()))) this.#settle(outcomes);
    else this.#reply.text(input.since(from));
    return true;
  }

  /** Whether nothing follows but white space and a stop; those are read only then. */
  *#endsReply(): Reading<boolean> {
    const at = yield* this.#input.behindSpace();
    if ((yield* this.#input.peek(at)) === "") {
      this.#input.take(at);
      return true;
    }
    return (yield* this.#input.oneOf(STOPS, at)) !== undefined;
  }

  /** JSON values one behind the other. Their calls; none when one of them is no call; undefined when one is no JSON. */
  *#values(marked: boolean): Reading<readonly Outcome[] | undefined> {
    const input = this.#input;
    const outcomes: Outcome[] = [];
    for (;;) {
      const found = yield* this.#calls.json(marked);
      if (found === undefined) return undefined;
      if (found === "other") return [];
      outcomes.push(...found);
      let at = yield* input.behindSpace();
      if (",;".includes(yield* input.peek(at))) at = yield* input.behindSpace(at + 1);
      if (!(yield* this.#calls.jsonBegins(at))) return outcomes;
      input.take(at);
    }
  }

  /** A reply that begins with a call whose markers are missing, and holds nothing but such calls. */
  *#bareNative(): Reading<boolean> {
    const input = this.#input;
    if (!TEXT_RULES[this.#format].bareNative || !this.#reply.isBlank) return false;
    const outcomes: Outcome[] = [];
    const from = input.position;
    const begins = yield* this.#calls.unmarked({ begin: () => undefined, settle: (outcome) => outcomes.push(outcome) });
    if (!begins) return false;
    if (outcomes.every(({ type }) => type === "call") && (yield* this.#endsReply())) this.#settle(outcomes);
    else this.#reply.text(input.since(from));
    return true;
  }
}
