/** For tests: a small tokenizer of single bytes and a few longer tokens, and replies spelt as text. */
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { ConstraintState } from "./grammar.ts";

/** Ids 0 … 255 are bytes, then the words, then the control tokens. Encodes by the longest word. */
export function smallTokenizer(
  words: readonly string[] = ["call", ":{", "ll:", "city:", "ci", '":', "true", "12", " the", "é", "}]"],
): Tokenizer {
  const pieces = [...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...words.map((word) => new TextEncoder().encode(word))];
  const names = [...new Set(Object.values(GEMMA4_FORMAT))].filter((name) => name.startsWith("<"));
  const control = new Map(names.map((name, i) => [name, pieces.length + i]));
  const byLength = [...words].sort((a, b) => b.length - a.length);
  return {
    size: pieces.length + control.size,
    control,
    bytes: (id) => pieces[id],
    encode(text) {
      const ids: number[] = [];
      for (let rest = text; rest !== "";) {
        const word = byLength.find((one) => rest.startsWith(one));
        const piece = word ?? String.fromCodePoint(rest.codePointAt(0)!);
        if (word === undefined) ids.push(...new TextEncoder().encode(piece));
        else ids.push(256 + words.indexOf(word));
        rest = rest.slice(piece.length);
      }
      return ids;
    },
    decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids.flatMap((id) => [...(pieces[id] ?? [])]))),
    controlId: (text) => control.get(text)!,
  };
}

/** The ids of a reply in which control tokens are spelt out. */
export function idsOf(tokenizer: Tokenizer, reply: string): number[] {
  const names = [...tokenizer.control.keys()].map((name) => name.replaceAll(/[|<>"]/g, "\\$&"));
  return reply.split(new RegExp(`(${names.join("|")})`)).flatMap((piece) => {
    const id = tokenizer.control.get(piece);
    return id === undefined ? tokenizer.encode(piece) : [id];
  });
}

/** The state after these ids; undefined when one of them is illegal. */
export function after(state: ConstraintState, ids: readonly number[]): ConstraintState | undefined {
  let at = state;
  for (const id of ids) {
    if (!at.mask().has(id)) return undefined;
    at = at.advance(id);
  }
  return at;
}

/** Does the grammar accept the whole reply? */
export function accepts(start: ConstraintState, tokenizer: Tokenizer, reply: string): boolean {
  return after(start, idsOf(tokenizer, reply))?.done ?? false;
}
