/**
 * What a reply has become so far, as parts. In: texts, thoughts and calls as they are read. Out: the parts of the reply parser. It also
 * knows where in a line the text stands.
 */
import type { JsonText } from "../json-text.ts";
import type { ReplyPart, StopReason } from "../reply.ts";
import { ThoughtText } from "../thought.ts";
import type { CallListener, Outcome } from "./call-reading.ts";

export class ReplyText implements CallListener {
  #parts: ReplyPart[] = [];
  #index = 0;
  /** The call that is being read. */
  #growing: { readonly name: string; readonly json: JsonText } | undefined;
  #thought: ThoughtText | undefined;
  #isLineStart = true;
  #isBlank = true;
  #last = "";

  /** Only white space stands before this in its line. */
  get isLineStart(): boolean {
    return this.#isLineStart;
  }

  /** Nothing but white space, thoughts and calls was read so far. */
  get isBlank(): boolean {
    return this.#isBlank;
  }

  /** The last character of the text. */
  get last(): string {
    return this.#last;
  }

  /** Parts since the last time. */
  take(): ReplyPart[] {
    this.#grow();
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  text(text: string): void {
    if (text === "") return;
    const line = text.slice(text.lastIndexOf("\n") + 1);
    this.#isLineStart = (this.#isLineStart || line.length < text.length) && /^\s*$/.test(line);
    this.#isBlank &&= /^\s*$/.test(text);
    this.#last = text.slice(-1);
    this.#parts.push({ type: "text-delta", text });
  }

  beginThought(channel: string): void {
    this.#thought = new ThoughtText(channel);
  }

  thought(text: string): void {
    this.#reasoning(this.#thought?.push(text) ?? "");
  }

  endThought(): void {
    this.#reasoning(this.#thought?.end() ?? "");
    this.#thought = undefined;
  }

  begin(name: string, json: JsonText): void {
    this.#growing = { name, json };
  }

  settle(outcome: Outcome): void {
    this.endThought();
    if (this.#growing) this.#grow();
    else if (outcome.type === "call") this.#delta(outcome.name, outcome.json);
    this.#growing = undefined;
    this.#isLineStart = true;
    this.#last = "";
    const index = this.#index++;
    if (outcome.type === "call") this.#parts.push({ type: "tool-call", index, name: outcome.name, input: outcome.input });
    else if (outcome.type === "malformed") this.#parts.push({ type: "malformed", index, wrong: outcome.wrong, raw: outcome.raw });
    else this.#parts.push({ type: "unclosed", index, name: outcome.name, raw: outcome.raw });
  }

  stop(reason: StopReason): void {
    this.#parts.push({ type: "stop", reason });
  }

  #grow(): void {
    if (this.#growing) this.#delta(this.#growing.name, this.#growing.json.take());
  }

  #delta(name: string, text: string): void {
    if (text !== "") this.#parts.push({ type: "tool-call-delta", index: this.#index, name, text });
  }

  #reasoning(text: string): void {
    if (text !== "") this.#parts.push({ type: "reasoning-delta", text });
  }
}
