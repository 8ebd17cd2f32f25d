/**
 * The model's reply, read as it is sampled. In: token ids, one by one. Out: parts: text, thought, calls, and how it stopped. Law: only
 * ids make structure; the text of a marker, wherever it stands, is text. After a stop nothing more comes.
 */
import type { JsonObject } from "@orrery/chat";
import { TextStream } from "../tokenizer/stream.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { CallReader } from "./call.ts";
import type { ChatFormat } from "./format.ts";
import { ThoughtText } from "./thought.ts";

/** How a reply stopped: the answer is complete, the calls are, or the model ended the text. */
export type StopReason = "turn" | "calls" | "end";

export type ReplyPart =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string }
  /** More JSON text of the arguments of call `index` (0, 1, …). All of a call's deltas joined are its input as JSON. */
  | { readonly type: "tool-call-delta"; readonly index: number; readonly name: string; readonly text: string }
  | { readonly type: "tool-call"; readonly index: number; readonly name: string; readonly input: JsonObject }
  /** A call that is none: `wrong` says why, `raw` is what the model wrote, quote tokens spelt out. */
  | { readonly type: "malformed"; readonly index: number; readonly wrong: string; readonly raw: string }
  /** A call that had begun when the reply ended; `name` is "" if even that was not complete. */
  | { readonly type: "unclosed"; readonly index: number; readonly name: string; readonly raw: string }
  | { readonly type: "stop"; readonly reason: StopReason };

export interface ReplyParser {
  /** Reads one id. */
  push(id: number): ReplyPart[];
  /** The reply is over (stopped, aborted, or too long): what was held back, and a call that is not complete. */
  end(): ReplyPart[];
}

export interface ReplyParserOptions {
  /** The prompt left the model inside a thought (see `endsInThought`). Default false. */
  readonly inThought?: boolean;
}

/** @throws TokenizerError `tokenizer/no-control-token` when the vocabulary lacks a token that calls or turns need */
export function createReplyParser(tokenizer: Tokenizer, format: ChatFormat, options: ReplyParserOptions = {}): ReplyParser {
  return new Parser(tokenizer, format, options.inThought ?? false);
}

type Role = "call-open" | "call-close" | "quote" | "channel-open" | "channel-close" | StopReason;

interface CallState {
  readonly in: "call";
  readonly call: CallReader;
  /** What the model wrote so far, should it turn out to be no call. */
  raw: string;
}
type State = { readonly in: "text" } | { readonly in: "thought"; readonly thought: ThoughtText } | CallState | { readonly in: "nothing" };

class Parser implements ReplyParser {
  readonly #tokenizer: Tokenizer;
  readonly #format: ChatFormat;
  readonly #roles: ReadonlyMap<number, Role>;
  readonly #spelling: ReadonlyMap<number, string>;
  readonly #stream: TextStream;
  #state: State;
  #index = 0;

  constructor(tokenizer: Tokenizer, format: ChatFormat, inThought: boolean) {
    this.#tokenizer = tokenizer;
    this.#format = format;
    this.#roles = rolesOf(tokenizer, format);
    this.#spelling = new Map([...tokenizer.control].map(([text, id]) => [id, text]));
    this.#stream = new TextStream(tokenizer);
    this.#state = inThought ? { in: "thought", thought: new ThoughtText("") } : { in: "text" };
  }

  push(id: number): ReplyPart[] {
    if (this.#state.in === "nothing") return [];
    if (this.#tokenizer.bytes(id)) return this.#text(this.#stream.push(id));
    const parts = this.#text(this.#stream.end());
    parts.push(...this.#control(this.#roles.get(id), this.#spelling.get(id) ?? ""));
    return parts;
  }

  end(): ReplyPart[] {
    if (this.#state.in === "nothing") return [];
    const parts = this.#text(this.#stream.end());
    parts.push(...this.#go({ in: "nothing" }));
    return parts;
  }

  #text(text: string): ReplyPart[] {
    const state = this.#state;
    if (text === "" || state.in === "nothing") return [];
    if (state.in === "text") return [{ type: "text-delta", text }];
    if (state.in === "thought") return reasoning(state.thought.push(text));
    state.raw += text;
    state.call.text(text);
    return this.#callDelta(state.call);
  }

  #control(role: Role | undefined, spelling: string): ReplyPart[] {
    const state = this.#state;
    if (role === "turn" || role === "calls" || role === "end") return [...this.#go({ in: "nothing" }), { type: "stop", reason: role }];
    if (state.in === "call") return this.#controlInCall(state, role, spelling);
    if (role === "call-open") return this.#go({ in: "call", call: new CallReader(), raw: "" });
    if (role === "channel-open") return this.#go({ in: "thought", thought: new ThoughtText(this.#format.thoughtChannel) });
    if (role === "channel-close") return this.#go({ in: "text" });
    return []; // a stray token outside a call shapes nothing
  }

  #controlInCall(state: CallState, role: Role | undefined, spelling: string): ReplyPart[] {
    if (role === "call-close") return this.#go({ in: "text" }, "malformed");
    if (role === "call-open") {
      state.call.fail("another call begins inside it");
      return this.#go({ in: "call", call: new CallReader(), raw: "" }, "malformed");
    }
    state.raw += spelling;
    if (role === "quote") state.call.quote();
    else state.call.fail(`the token ${spelling} inside it`);
    return this.#callDelta(state.call);
  }

  #callDelta(call: CallReader): ReplyPart[] {
    const text = call.takeJson();
    return text === "" ? [] : [{ type: "tool-call-delta", index: this.#index, name: call.name, text }];
  }

  /** Closes what is open and stands in `next`. A call left open is `unclosed`; one that is closed is a tool call or `malformed`. */
  #go(next: State, how: "malformed" | "unclosed" = "unclosed"): ReplyPart[] {
    const state = this.#state;
    this.#state = next;
    if (state.in === "thought") return reasoning(state.thought.end());
    if (state.in !== "call") return [];
    const index = this.#index++;
    const { call, raw } = state;
    if (how === "unclosed") return [{ type: "unclosed", index, name: call.name, raw }];
    const finished = call.finish();
    return "wrong" in finished ? [{ type: "malformed", index, wrong: finished.wrong, raw }] : [{ type: "tool-call", index, ...finished }];
  }
}

function reasoning(text: string): ReplyPart[] {
  return text === "" ? [] : [{ type: "reasoning-delta", text }];
}

function rolesOf(tokenizer: Tokenizer, format: ChatFormat): Map<number, Role> {
  const roles = new Map<number, Role>([
    [tokenizer.controlId(format.callOpen), "call-open"],
    [tokenizer.controlId(format.callClose), "call-close"],
    [tokenizer.controlId(format.quote), "quote"],
    [tokenizer.controlId(format.turnClose), "turn"],
    [tokenizer.controlId(format.responseOpen), "calls"],
  ]);
  const optional: readonly (readonly [string, Role])[] = [
    [format.channelOpen, "channel-open"],
    [format.channelClose, "channel-close"],
    [format.end, "end"],
  ];
  for (const [text, role] of optional) {
    const id = tokenizer.control.get(text);
    if (id !== undefined) roles.set(id, role);
  }
  return roles;
}
