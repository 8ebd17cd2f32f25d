/**
 * A rendered conversation in pieces: what the program wrote and what the model wrote, in order. Law: the pieces' segments joined are
 * the conversation, and the key of a piece stands for all pieces up to its end, so equal keys mean equal histories.
 */
import { createHash } from "node:crypto";
import { SegmentWriter, type Segment } from "./segments.ts";

export interface Piece {
  /** `reply`: exactly what the model itself would write, calls up to `<|tool_response>` or text up to `<turn|>`. `prompt`: the rest. */
  readonly kind: "prompt" | "reply";
  readonly segments: readonly Segment[];
  readonly key: string;
}

/** A segment writer that is told where replies begin and end. */
export class PieceWriter extends SegmentWriter {
  readonly #pieces: Piece[] = [];
  readonly #history = createHash("sha256");

  /** What follows is the model's. */
  beginReply(): void {
    this.#end("prompt");
  }

  /** Up to here it was. */
  endReply(): void {
    this.#end("reply");
  }

  finish(): Piece[] {
    this.#end("prompt");
    return this.#pieces;
  }

  #end(kind: Piece["kind"]): void {
    const segments = this.take();
    if (segments.length === 0) return;
    this.#history.update(JSON.stringify([kind, segments]));
    this.#pieces.push({ kind, segments, key: this.#history.copy().digest("base64") });
  }
}
