/**
 * The prefixes of a set's spellings. In: a set's line and limits. Out: which prefixes can be completed and which are complete.
 * Law: a prefix that can be completed is complete or has a longer one that can be.
 */
import { depthsOf, needsExponent } from "./depths.ts";
import { Futures } from "./futures.ts";
import type { Side } from "./line.ts";
import type { Line } from "./lines.ts";
import { search } from "./search.ts";
import { append, completions, isComplete, numberOf, significant, type Depths, type Limits, type Prefix } from "./spelling.ts";

export class Prefixes {
  readonly #line: Line;
  readonly #limits: Limits;
  readonly #depths: Depths;
  readonly #positive: Futures;
  readonly #negative: Futures;

  constructor(line: Line, limits: Limits) {
    this.#line = line;
    // An exponent is an invitation to write 1e+0 for 1: it is there for sets that cannot do without.
    this.#limits = { ...limits, exponent: limits.exponent && needsExponent(line) };
    this.#depths = depthsOf(line, this.#limits);
    this.#positive = new Futures(line.positive, this.#limits, this.#depths);
    this.#negative = new Futures(line.negative, this.#limits, this.#depths);
  }

  append(prefix: Prefix, character: string): Prefix | undefined {
    return append(prefix, character, this.#limits);
  }

  /** Can it be completed? False also where the search for a completion gave up. */
  isAlive(prefix: Prefix): boolean {
    if (prefix.whole === "") return this.#isAnyAlive(prefix);
    if (this.#isZero(prefix)) return true;
    const side = this.#side(prefix);
    for (const block of completions(prefix, this.#limits, this.#depths)) if (search(side, block) === "some") return true;
    return false;
  }

  isMember(prefix: Prefix): boolean {
    if (!isComplete(prefix)) return false;
    const number = numberOf(prefix);
    if (number === "zero") return this.#isZero(prefix);
    if (prefix.exponent === undefined && (prefix.fraction?.length ?? 0) > this.#depths.plain) return false;
    return search(this.#side(prefix), number) === "some";
  }

  /** Prefixes with equal signatures have the same completions. */
  signature(prefix: Prefix): string {
    return (prefix.negative ? this.#negative : this.#positive).signature(prefix);
  }

  #side({ negative }: Prefix): Side {
    return negative ? this.#line.negative : this.#line.positive;
  }

  #isAnyAlive(prefix: Prefix): boolean {
    return [..."1023456789-"].some((character) => {
      const next = this.append(prefix, character);
      return next !== undefined && this.isAlive(next);
    });
  }

  /** Is it a spelling of 0, and 0 a member? "-0" is none. */
  #isZero(prefix: Prefix): boolean {
    if (!this.#line.zero || prefix.negative || significant(prefix) !== "") return false;
    const places = prefix.fraction?.length;
    return places === undefined || (places > 0 && places <= this.#depths.plain);
  }
}
