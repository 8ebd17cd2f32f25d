/**
 * The reply of a model whose calls are JSON, where calls are legal. In: token ids, one by one. Out: the parts of a reply (reply.ts). Law: the
 * reply is calls exactly when it begins with the first segment of `before`, else it is text. Calls are read as strictly as the grammar
 * writes them (constraint/moves.ts), but for white space within an input; only ids stop a reply.
 */
import { TOOL_NAME, type JsonObject } from "@orrery/chat";
import { TextStream } from "../tokenizer/stream.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { JsonFormat } from "./format.ts";
import { JsonInput } from "./json-input.ts";
import type { ReplyParser, ReplyPart } from "./reply.ts";
import type { Segment } from "./segments.ts";

/** @throws TokenizerError `tokenizer/no-control-token` when the vocabulary lacks a token that calls or turns need */
export function createJsonReplyParser(tokenizer: Tokenizer, format: JsonFormat): ReplyParser {
  return new Parser(tokenizer, format);
}

/** A UTF-16 unit of text, or the id of a control token. */
type Unit = string | number;
type Words = readonly Unit[];

/**
 * Where the parser stands, and how many units of the words have come. `lead`: in the first segment of `before`, so nothing is decided.
 * `before`: in the rest of it. `behind`: behind an input, in those words of `between` and `after` that may still be meant. `broken`: this
 * is no call. `nothing`: the reply is over.
 */
type State = CallState | BehindState | { readonly in: "text" } | { readonly in: "nothing" };
type CallState =
  | { readonly in: "lead" | "before" | "before-input"; readonly at: number }
  | { readonly in: "name" }
  | { readonly in: "input"; readonly input: JsonInput }
  | { readonly in: "broken"; readonly wrong: string };
interface BehindState {
  readonly in: "behind";
  readonly input: JsonObject;
  readonly words: readonly Words[];
  readonly at: number;
}

class Parser implements ReplyParser {
  readonly #tokenizer: Tokenizer;
  readonly #words: { readonly lead: Words; readonly before: Words; readonly "before-input": Words; readonly after: Words };
  readonly #between: Words | null;
  readonly #turn: number;
  readonly #end: number | undefined;
  readonly #spelling: ReadonlyMap<number, string>;
  readonly #stream: TextStream;
  #state: State = { in: "lead", at: 0 };
  #index = 0;
  #name = "";
  /** What the model wrote of a call, or of what may become one. */
  #raw = "";

  constructor(tokenizer: Tokenizer, { json, turnClose, end }: JsonFormat) {
    const units = (segments: readonly Segment[]): Words =>
      segments.flatMap((segment): Words => ("text" in segment ? segment.text.split("") : [tokenizer.controlId(segment.control)]));
    this.#tokenizer = tokenizer;
    this.#words = {
      lead: units(json.before.slice(0, 1)),
      before: units(json.before.slice(1)),
      "before-input": units(json.beforeInput),
      after: units(json.after),
    };
    this.#between = json.between && units(json.between);
    this.#turn = tokenizer.controlId(turnClose);
    this.#end = tokenizer.control.get(end);
    this.#spelling = new Map([...tokenizer.control].map(([text, id]) => [id, text]));
    this.#stream = new TextStream(tokenizer);
  }

  push(id: number): ReplyPart[] {
    if (this.#state.in === "nothing") return [];
    if (this.#tokenizer.bytes(id)) return joined(this.#text(this.#stream.push(id)));
    const parts = this.#text(this.#stream.end());
    if (id !== this.#turn && id !== this.#end) return joined([...parts, ...this.#unit(id)]);
    const isText = this.#state.in === "text" || this.#state.in === "lead";
    const reason = id !== this.#turn ? "end" : isText ? "turn" : "calls";
    return joined([...parts, ...this.#close(), { type: "stop", reason }]);
  }

  end(): ReplyPart[] {
    return this.#state.in === "nothing" ? [] : joined([...this.#text(this.#stream.end()), ...this.#close()]);
  }

  #text(text: string): ReplyPart[] {
    const parts: ReplyPart[] = [];
    for (let from = 0; from < text.length;) {
      const state = this.#state;
      if (state.in === "text") return [...parts, { type: "text-delta", text: text.slice(from) }];
      const taken = state.in === "input" ? state.input.push(text, from) : text.charAt(from);
      parts.push(...(state.in === "input" ? this.#input(state.input, taken) : this.#unit(taken)));
      from += taken.length;
    }
    return parts;
  }

  /** So much of an input was taken. */
  #input(input: JsonInput, taken: string): ReplyPart[] {
    this.#raw += taken;
    const words = this.#between === null ? [this.#words.after] : [this.#between, this.#words.after];
    if (input.wrong !== "") this.#state = { in: "broken", wrong: input.wrong };
    else if (input.value) this.#state = { in: "behind", input: input.value, words, at: 0 };
    return taken === "" ? [] : [{ type: "tool-call-delta", index: this.#index, name: this.#name, text: taken }];
  }

  /** Reads a control token, or one unit of the text around inputs. */
  #unit(unit: Unit): ReplyPart[] {
    const state = this.#state;
    if (state.in === "text" || state.in === "nothing") return []; // a stray control token shapes nothing
    if (state.in === "lead" && this.#words.lead[state.at] !== unit) return this.#becomeText(unit);
    if (state.in === "name" && this.#name !== "" && !this.#extendsName(unit)) {
      this.#state = this.#reach("before-input", 0);
      return this.#again(unit);
    }
    this.#raw += this.#spell(unit);
    if (state.in === "behind") return this.#behind(state, unit);
    this.#state = this.#next(state, unit);
    return [];
  }

  #next(state: CallState, unit: Unit): State {
    switch (state.in) {
      case "lead":
      case "before":
      case "before-input":
        return this.#words[state.in][state.at] === unit ? this.#reach(state.in, state.at + 1) : this.#misplaced(unit);
      case "name":
        if (!this.#extendsName(unit)) return this.#misplaced(unit);
        this.#name += unit;
        return state;
      case "input":
        return this.#misplaced(unit);
      case "broken":
        return state;
    }
  }

  /** The state when `at` units of these words have come. */
  #reach(where: "lead" | "before" | "before-input", at: number): State {
    if (at < this.#words[where].length) return { in: where, at };
    if (where === "lead") return this.#reach("before", 0);
    return where === "before" ? { in: "name" } : { in: "input", input: new JsonInput() };
  }

  #behind({ input, words, at }: BehindState, unit: Unit): ReplyPart[] {
    const meant = words.filter((one) => one[at] === unit);
    if (meant.length === 0) this.#state = this.#misplaced(unit);
    else if (this.#between && meant.includes(this.#between) && at + 1 === this.#between.length) {
      this.#state = { in: "name" };
      return this.#call(input);
    } else this.#state = { in: "behind", input, words: meant, at: at + 1 };
    return [];
  }

  #call(input: JsonObject): ReplyPart[] {
    const call: ReplyPart = { type: "tool-call", index: this.#index++, name: this.#name, input };
    this.#name = "";
    this.#raw = "";
    return [call];
  }

  #becomeText(unit: Unit): ReplyPart[] {
    const held = this.#raw;
    this.#raw = "";
    this.#state = { in: "text" };
    return [...texts(held), ...this.#again(unit)];
  }

  #again(unit: Unit): ReplyPart[] {
    return typeof unit === "string" ? this.#text(unit) : this.#unit(unit);
  }

  #extendsName(unit: Unit): boolean {
    return typeof unit === "string" && TOOL_NAME.test(this.#name + unit);
  }

  #misplaced(unit: Unit): State {
    return { in: "broken", wrong: `${JSON.stringify(this.#spell(unit))} where a call has something else` };
  }

  #spell(unit: Unit): string {
    return typeof unit === "string" ? unit : (this.#spelling.get(unit) ?? "");
  }

  /** The reply is over. */
  #close(): ReplyPart[] {
    const state = this.#state;
    this.#state = { in: "nothing" };
    if (state.in === "text" || state.in === "nothing") return [];
    if (state.in === "lead") return texts(this.#raw);
    const { after } = this.#words;
    if (state.in === "behind" && state.at === after.length && state.words.includes(after)) return this.#call(state.input);
    const [index, raw] = [this.#index, this.#raw];
    if (state.in === "broken") return [{ type: "malformed", index, wrong: state.wrong, raw }];
    const hasName = state.in === "before-input" || state.in === "input" || state.in === "behind";
    return [{ type: "unclosed", index, name: hasName ? this.#name : "", raw }];
  }
}

function texts(text: string): ReplyPart[] {
  return text === "" ? [] : [{ type: "text-delta", text }];
}

/** Texts side by side as one. */
function joined(parts: readonly ReplyPart[]): ReplyPart[] {
  const all: ReplyPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last?.type === "text-delta" && part.type === "text-delta") all[all.length - 1] = { ...last, text: last.text + part.text };
    else all.push(part);
  }
  return all;
}
