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
  readonly #taken: ReadonlySet<string>;
  /** By the index of the call. */
  readonly #ids: string[] = [];
  #number: number;
  #calls = 0;
  #unclosed = false;
  #shape: ReplyShape = "incomplete";

  /** @param taken Call ids of the conversation so far: those of the reply are `call-N`, numbered on from them, and none of them. */
  constructor(parser: ReplyParser, taken: ReadonlySet<string>) {
    this.#parser = parser;
    this.#taken = taken;
    this.#number = taken.size;
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
        this.#unclosed = true; // cut there, the reply is incomplete; stopped there, it is no reply
        return [];
      case "stop":
        if (this.#shape === "incomplete") this.#shape = this.#unclosed ? "malformed" : this.#calls > 0 ? "calls" : "text";
        return [];
    }
  }

  #id(index: number): string {
    while (this.#ids.length <= index) {
      const id = `call-${++this.#number}`;
      if (!this.#taken.has(id)) this.#ids.push(id);
    }
    return this.#ids[index]!;
  }
}
