/**
 * Where in a reply the next token stands. In: a node of the automaton. Out: one word. Law: where several parts may go on, the word is
 * that of the part in which a wrong token costs most; it is read from the parts, so nothing is added to a step.
 */

/**
 * `move`: the choice between an answer, a call, one more call and the end of the calls. `enum`: one of listed values. `structure`: keys,
 * brackets, commas. The rest says itself. A token that the grammar forces has no step, so it needs no word.
 */
export const POSITIONS = ["move", "tool-name", "number", "enum", "string", "free-text", "thought", "structure"] as const;
export type Position = (typeof POSITIONS)[number];

/** What the parts of a grammar can be: no grammar has thoughts. */
export type PartPosition = Exclude<Position, "thought">;

/** In the order of {@link POSITIONS}: the first of those met counts. A text that may end is still a text. */
const RANK = new Map(POSITIONS.map((position, rank) => [position, rank]));

interface Reading {
  readonly tops: readonly { readonly part: { readonly position: PartPosition } }[];
}

/** The position at a node. */
export function positionOf({ tops }: Reading): Position {
  let first: Position = "structure";
  for (const { part } of tops) if (RANK.get(part.position)! < RANK.get(first)!) first = part.position;
  return first;
}
