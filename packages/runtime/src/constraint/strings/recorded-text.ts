/**
 * A terminal that knows what was read. In: a language. Out: states with their text. Law: each string has one spelling, so equal texts are
 * one state.
 */
import type { Symbol, Terminal } from "../part.ts";
import { EVERY_STRING } from "./dfa.ts";
import type { Language } from "./language.ts";
import { Pairs } from "./pairs.ts";
import { isUniversal, textPart, type Spelling } from "./text-part.ts";

/** {@link textPart} for texts that must be known later, such as keys that may not repeat. */
export function recordedText(language: Language, spelling: Spelling): Terminal & { text(state: number): string } {
  const part = textPart(language, spelling, "string");
  const every = textPart(EVERY_STRING, spelling, "string");
  /** The state before the last byte, and the byte. State 0 is before the first one. */
  const read = new Pairs();
  const inner = [part.start];

  function bytes(state: number): Uint8Array {
    const reversed: number[] = [];
    for (let at = state; at > 0; at = read.first(at - 1)) reversed.push(read.second(at - 1));
    return Uint8Array.from(reversed.reverse());
  }

  return {
    kind: "terminal",
    position: part.position,
    start: 0,
    step(state: number, symbol: Symbol) {
      const next = part.step(inner[state]!, symbol);
      if (next < 0) return -1;
      const id = read.intern(state, symbol) + 1;
      inner[id] = next;
      return id;
    },
    accepts: (state) => part.accepts(inner[state]!),
    ends: (state) => part.ends(inner[state]!),
    only: (state) => part.only(inner[state]!),
    controls: (state) => part.controls(inner[state]!),
    canonical: (state) => state,
    // Where any string may follow, it is read as in every other language.
    forgetting: (state) => (isUniversal(part, inner[state]!) ? { part: every, state: every.start } : { part, state: inner[state]! }),
    free: (state, longest) => part.free(inner[state]!, longest),
    /** What was read, between two characters. */
    text(state: number) {
      const spelt = Buffer.from(bytes(state)).toString("utf8");
      return spelling === "json" ? (JSON.parse(`"${spelt}"`) as string) : spelt;
    },
  };
}
