/**
 * Sequences kept between requests, so that what a prompt shares with an earlier one is not computed again. In: the tokens of a
 * prompt. Out: a sequence that holds a prefix of them. Law: no sequence serves two requests at once, and none but the least recently
 * used one loses more than a short tail. When there are too many, or their rows do not fit into the session's budget, the least recently
 * used go.
 */
import { SessionError } from "../errors.ts";
import { atLeastOne } from "../session/at-least-one.ts";
import type { Sequence, Session } from "../session/session.ts";
import { commonPrefix } from "./prefix.ts";

const DEFAULT_CAPACITY = 4;

/**
 * A sequence that goes on for at most this many tokens after the shared prefix is rewound, not forked: it is most likely the same
 * conversation whose last reply was rendered anew, and to compute so few tokens again costs less than a copy of its rows, which a fork
 * takes when it writes.
 */
const SHORT_TAIL = 64;

export interface SequencePoolOptions {
  /** Sequences kept, idle ones included; default 4. More requests at once than this are served, but not all are kept. */
  readonly capacity?: number;
}

export interface Acquired {
  readonly sequence: Sequence;
  /** Tokens of the prompt that it holds already, less than the prompt has: append the rest. */
  readonly cached: number;
}

/** The sequence with the longest useful prefix. */
interface Best {
  readonly sequence: Sequence;
  readonly cached: number;
}

export class SequencePool {
  readonly #session: Session;
  readonly #capacity: number;
  /** Least recently released first. */
  readonly #idle = new Set<Sequence>();
  readonly #busy = new Set<Sequence>();

  /** @throws SessionError `session/bad-option` */
  constructor(session: Session, { capacity = DEFAULT_CAPACITY }: SequencePoolOptions = {}) {
    this.#session = session;
    this.#capacity = atLeastOne("capacity", capacity);
    session.whenFull(() => this.#evict());
  }

  /** Sequences that serve no request, least recently used first. */
  get idle(): readonly Sequence[] {
    return [...this.#idle];
  }

  /** Whether it is still kept, in use or not. What it gave up was disposed. */
  holds(sequence: Sequence): boolean {
    return this.#idle.has(sequence) || this.#busy.has(sequence);
  }

  /** Keeps a sequence that was made elsewhere, as the one used last. */
  adopt(sequence: Sequence): void {
    this.#idle.add(sequence);
    this.#shrink();
  }

  /**
   * A sequence for a prompt, yours until {@link release}. It holds the first `cached` tokens of the prompt and nothing else; at least one
   * token of the prompt is left to append, because its logits are wanted.
   */
  acquire(tokens: readonly number[]): Acquired {
    const best = this.#best(tokens);
    const acquired = this.#take(best);
    this.#busy.add(acquired.sequence);
    return acquired;
  }

  /** Gives a sequence back; do not use it afterwards. @throws SessionError `session/not-acquired` */
  release(sequence: Sequence): void {
    if (!this.#busy.delete(sequence))
      throw new SessionError("session/not-acquired", "the sequence was not acquired from this pool, or was released before", {
        hint: "release each acquired sequence once",
      });
    if (sequence.length === 0) return sequence.dispose(); // nothing of it could be shared
    this.#idle.add(sequence);
    this.#shrink();
  }

  #shrink(): void {
    while (this.#size() > this.#capacity && this.#evict());
  }

  #take(best: Best | null): Acquired {
    if (best === null) {
      if (this.#size() >= this.#capacity) this.#evict();
      return { sequence: this.#session.createSequence(), cached: 0 };
    }
    const { sequence, cached } = best;
    const full = this.#size() >= this.#capacity;
    if (this.#idle.has(sequence) && (sequence.length - cached <= SHORT_TAIL || (full && sequence === this.#oldest()))) {
      this.#idle.delete(sequence);
      sequence.rewind(cached);
      return best;
    }
    // The other conversation keeps its tail. What is evicted is not `sequence`: that is busy, or idle and not the oldest.
    if (full) this.#evict();
    return { sequence: sequence.fork(cached), cached };
  }

  /** Among equals one with a short tail, then the oldest idle one, then a busy one; null when nothing is shared. */
  #best(tokens: readonly number[]): Best | null {
    let best: Best | null = null;
    for (const sequence of [...this.#idle, ...this.#busy]) {
      const cached = Math.min(commonPrefix(sequence.tokens, tokens), tokens.length - 1);
      if (cached <= 0 || cached < sequence.reach || cached < (best?.cached ?? 0)) continue;
      const short = this.#idle.has(sequence) && sequence.length - cached <= SHORT_TAIL;
      if (best === null || cached > best.cached || (short && sequence.length < best.sequence.length)) best = { sequence, cached };
    }
    return best;
  }

  #size(): number {
    return this.#idle.size + this.#busy.size;
  }

  #oldest(): Sequence | undefined {
    return this.#idle.values().next().value;
  }

  /** False when none is idle. */
  #evict(): boolean {
    const oldest = this.#oldest();
    if (oldest === undefined) return false;
    this.#idle.delete(oldest);
    oldest.dispose();
    return true;
  }
}
