/**
 * Text that comes in pieces, read as if all of it were there. In: pieces. Out: characters, as a reading asks for them; a reading that
 * needs more than has come yields and goes on with the next piece. Law: what is read does not depend on where the pieces were cut.
 */

/** A reading that yields whenever it needs text that has not come yet. */
export type Reading<T> = Generator<undefined, T, undefined>;

/** White space in front of structure is looked through so far; more of it is text. */
const MAX_SPACE = 256;

export class Input {
  /** Position of the first character of `#behind`. */
  #base = 0;
  /** What was read since `forget`, but for the part of `#ahead` before `#at`. */
  #behind = "";
  #ahead = "";
  #at = 0;
  /** The first half of a surrogate pair, until the second comes: a piece may end between them. */
  #half = "";
  #ended = false;

  write(piece: string): void {
    const text = this.#half + piece;
    const last = text.charCodeAt(text.length - 1);
    const whole = last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
    this.#half = text.slice(whole.length);
    this.#behind += this.#ahead.slice(0, this.#at);
    this.#ahead = this.#ahead.slice(this.#at) + whole;
    this.#at = 0;
  }

  /** No more pieces come. */
  end(): void {
    this.#ahead += this.#half;
    this.#half = "";
    this.#ended = true;
  }

  /** How many characters were read, from the beginning of the text. */
  get position(): number {
    return this.#base + this.#behind.length + this.#at;
  }

  /** The text from a position to here. The position must not have been forgotten. */
  since(position: number): string {
    return (this.#behind + this.#ahead.slice(0, this.#at)).slice(position - this.#base);
  }

  /** Reads on from an earlier position, which must not have been forgotten. */
  rewind(position: number): void {
    this.#ahead = this.#behind + this.#ahead;
    this.#behind = "";
    this.#at = position - this.#base;
  }

  /** Nothing before this position will be asked for again. */
  forget(): void {
    this.#base = this.position;
    this.#behind = "";
    this.#ahead = this.#ahead.slice(this.#at);
    this.#at = 0;
  }

  /** Whether so many characters are ahead, once that is known. */
  *has(count: number): Reading<boolean> {
    while (this.#ahead.length - this.#at < count) {
      if (this.#ended) return false;
      yield;
    }
    return true;
  }

  /** The character ahead; "" at the end of the text. */
  *peek(offset = 0): Reading<string> {
    yield* this.has(offset + 1);
    return this.#ahead.charAt(this.#at + offset);
  }

  /** Characters ahead, as far as they have come. */
  ahead(offset: number, count: number): string {
    return this.#ahead.slice(this.#at + offset, this.#at + offset + count);
  }

  /** Reads characters that are known to be ahead. */
  take(count: number): string {
    const text = this.#ahead.slice(this.#at, this.#at + count);
    this.#at += text.length;
    return text;
  }

  /** Reads what has come so far up to the first match of `stop`, a global expression that matches one character. */
  takeUntil(stop: RegExp): string {
    stop.lastIndex = this.#at;
    const end = stop.exec(this.#ahead)?.index ?? this.#ahead.length;
    return this.take(end - this.#at);
  }

  /** Which of the texts stands ahead, if any. None of them may begin with another. */
  *oneOf<T extends string>(texts: readonly T[], offset = 0): Reading<T | undefined> {
    for (;;) {
      const from = this.#at + offset;
      const found = texts.find((text) => this.#ahead.startsWith(text, from));
      if (found !== undefined || this.#ended) return found;
      const begun = this.#ahead.slice(from, from + 40);
      if (!texts.some((text) => text.startsWith(begun))) return undefined;
      yield;
    }
  }

  *sees(text: string, offset = 0): Reading<boolean> {
    return (yield* this.oneOf([text], offset)) !== undefined;
  }

  /** The offset of the first character ahead that is no white space. */
  *behindSpace(offset = 0): Reading<number> {
    let at = offset;
    while (at - offset < MAX_SPACE && isSpace(yield* this.peek(at))) at++;
    return at;
  }
}

export function isSpace(char: string): boolean {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}

/** Runs a reading of a text that is all there. */
export function readAll<T>(reading: Reading<T>): T {
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}
