/**
 * A rendered prompt before it is ids: control tokens by name, and text. In: what a renderer writes. Out: ids. Law: text is encoded as
 * text, so nothing that a user or a tool wrote can become a control token.
 */
import type { Tokenizer } from "../tokenizer/vocabulary.ts";

export type Segment = { readonly control: string } | { readonly text: string };

/** Collects segments; texts written side by side become one. */
export class SegmentWriter {
  #segments: Segment[] = [];
  #text = "";

  text(text: string): this {
    this.#text += text;
    return this;
  }

  control(token: string): this {
    this.#flush();
    this.#segments.push({ control: token });
    return this;
  }

  /** Hands over what was written and starts anew. */
  take(): Segment[] {
    this.#flush();
    const taken = this.#segments;
    this.#segments = [];
    return taken;
  }

  #flush(): void {
    if (this.#text !== "") this.#segments.push({ text: this.#text });
    this.#text = "";
  }
}

/**
 * Ids of segments. Adjacent texts are encoded as one text.
 * @throws TokenizerError `tokenizer/no-control-token`
 */
export function encodeSegments(segments: readonly Segment[], tokenizer: Tokenizer): number[] {
  const ids: number[] = [];
  const append = (more: readonly number[]) => {
    for (const id of more) ids.push(id); // a spread would overflow the stack on a long prompt
  };
  let text = "";
  for (const segment of segments) {
    if ("text" in segment) {
      text += segment.text;
      continue;
    }
    append(tokenizer.encode(text));
    text = "";
    ids.push(tokenizer.controlId(segment.control));
  }
  append(tokenizer.encode(text));
  return ids;
}

/** Segments as one string, control tokens spelt out: for people and for comparison with other renderers, never for encoding. */
export function spellSegments(segments: readonly Segment[]): string {
  return segments.map((segment) => ("text" in segment ? segment.text : segment.control)).join("");
}
