/**
 * The text that values are copied from, as UTF-8 with the borders of its words. In: passages, one by one. Out: where a copy may begin,
 * how it may go on and where it may end. Law: no copy crosses from one passage into another; passages added later give the same source
 * as all passages at once.
 */

/** Between passages. A passage's own NUL ends copies, too. */
const BETWEEN = 0;

const ENCODER = new TextEncoder();

/** What a character is to the words beside it. */
const KIND = { sign: 0, word: 1, space: 2 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

function kindOf(character: string): Kind {
  if (/[\p{L}\p{M}\p{N}]/u.test(character)) return KIND.word;
  return /[\s\0]/u.test(character) ? KIND.space : KIND.sign;
}

const ASCII: readonly Kind[] = Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));

export class CopySource {
  #bytes = new Uint8Array(1024);
  /** 1 where a copy may have ended before the byte. */
  #ends = new Uint8Array(1024);
  #length = 0;
  readonly #starts: number[] = [];

  constructor(passages: readonly string[] = []) {
    for (const passage of passages) this.append(passage);
  }

  /** Offsets at which a copy may begin, ascending: no letter or digit stands before them, and no space on them. */
  get starts(): readonly number[] {
    return this.#starts;
  }

  /** The byte at an offset; −1 where the passage is over. */
  byte(offset: number): number {
    const byte = offset < this.#length ? this.#bytes[offset]! : BETWEEN;
    return byte === BETWEEN ? -1 : byte;
  }

  /** Whether a copy may end before the byte at this offset: it does not cut a word in two. */
  ends(offset: number): boolean {
    return this.#ends[offset] === 1;
  }

  append(passage: string): void {
    this.#reserve(3 * passage.length + 1);
    ENCODER.encodeInto(passage, this.#bytes.subarray(this.#length));
    let before: Kind = KIND.space;
    for (let at = 0; at < passage.length;) {
      const code = passage.codePointAt(at)!;
      const kind = code < 0x80 ? ASCII[code]! : kindOf(String.fromCodePoint(code));
      this.#mark(before, kind);
      before = kind;
      at += code < 0x1_0000 ? 1 : 2;
      this.#length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4; // a lone surrogate becomes U+FFFD, of 3
    }
    this.#mark(before, KIND.space);
    this.#bytes[this.#length++] = BETWEEN;
  }

  /** What is before the byte that comes next, and what it begins. */
  #mark(before: Kind, kind: Kind): void {
    if (before !== KIND.word && kind !== KIND.space) this.#starts.push(this.#length);
    if (before !== KIND.space && !(before === KIND.word && kind === KIND.word)) this.#ends[this.#length] = 1;
  }

  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const size = Math.max(wanted, 2 * this.#bytes.length);
    const bytes = new Uint8Array(size);
    const ends = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, this.#length));
    ends.set(this.#ends.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#ends = ends;
  }
}
