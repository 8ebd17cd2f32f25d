/**
 * Reply ids as chat events. In: token ids as they are generated. Out: the events of the port (text and argument deltas, whole calls).
 * Law: what is a call is decided by control-token ids, never by the text of a marker.
 */
import type { ChatEvent } from "@orrery/chat";
import type { ReplyParser, ReplyPart } from "./prompt/reply.ts";

export type ReplyEvent = Exclude<ChatEvent, { type: "finish" }>;

/** What the reply is so far: `incomplete` until its stop token has come. */
export type ReplyShape = "incomplete" | "text" | "calls" | "malformed";

export class ReplyReader {
  readonly #parser: ReplyParser;
  readonly #firstCall: number;
  #calls = 0;
  #shape: ReplyShape = "incomplete";

  /** @param firstCall Number of the first call: ids are `call-N`, unique within the conversation. */
  constructor(parser: ReplyParser, firstCall: number) {
    this.#parser = parser;
    this.#firstCall = firstCall;
  }

  get shape(): ReplyShape {
    return this.#shape;
  }

  push(id: number): ReplyEvent[] {
    return this.#parser.push(id).flatMap((part) => this.#events(part));
  }

  end(): ReplyEvent[] {
    return this.#parser.end().flatMap((part) => this.#events(part));
  }

  #events(part: ReplyPart): ReplyEvent[] {
    switch (part.type) {
      case "text-delta":
      case "reasoning-delta":
        return [part];
      case "tool-call-delta":
        return [{ type: "tool-call-delta", id: this.#id(part.index), name: part.name, text: part.text }];
      case "tool-call":
        this.#calls++;
        return [{ type: "tool-call", call: { id: this.#id(part.index), name: part.name, input: part.input } }];
      case "malformed":
        this.#shape = "malformed";
        return [];
      case "unclosed":
        return []; // the reply stays incomplete
      case "stop":
        if (this.#shape === "incomplete") this.#shape = this.#calls > 0 ? "calls" : "text";
        return [];
    }
  }

  #id(index: number): string {
    return `call-${this.#firstCall + index}`;
  }
}
