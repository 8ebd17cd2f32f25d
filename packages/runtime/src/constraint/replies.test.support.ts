/** For property tests: replies sampled from random logits, and what is wrong with one under its moves. */
import type { Moves } from "@orrery/chat";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { ChatFormat } from "../prompt/format.ts";
import type { ReplyPart } from "../prompt/reply.ts";
import { createSampler } from "../sampling/sample.ts";
import type { Random } from "../sampling/random.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { ConstraintState } from "./grammar.ts";
import { format, FORMAT_NAMES, has } from "./strings/index.ts";
import type { TokenMask } from "./token-mask.ts";

const MAX_TOKENS = 4_000;
/** How often a text is ended where it may end: uniform draws from 49,152 tokens would go on for ever. */
const ENDING = 0.15;

/** A sampler of uniformly random logits: each legal token is equally likely. */
export type Draw = (mask: TokenMask) => number;

export function uniform(random: Random): Draw {
  return ({ bits, count }) => {
    let left = Math.floor(random() * count);
    for (let index = 0; index < bits.length; index++) {
      for (let word = bits[index]!; word !== 0; word &= word - 1) if (left-- === 0) return index * 32 + 31 - Math.clz32(word & -word);
    }
    throw new Error("the mask has fewer bits than it says");
  };
}

/** The same through the product's sampler and a whole row of logits. */
export function sampled(tokenizer: Tokenizer, random: Random): Draw {
  const sampler = createSampler({ temperature: 1, seed: random() }, tokenizer.size);
  const logits = new Float32Array(tokenizer.size);
  return (mask) =>
    sampler.sample(
      logits.map(() => random() * 20),
      mask,
      [],
    ).id;
}

/** What draws the tokens of a reply. */
export interface Writer {
  readonly tokenizer: Tokenizer;
  readonly format: ChatFormat;
  readonly random: Random;
  readonly draw: Draw;
}

/** Writes a reply; the state is asked for forced tokens as the token loop does. */
export function write(start: ConstraintState, { tokenizer, format, random, draw }: Writer): number[] {
  const named = [format.turnClose, format.quote, format.responseOpen].filter((name) => name !== "");
  const endings = named.map((name) => tokenizer.controlId(name));
  endings.push(...tokenizer.encode('"'), ...tokenizer.encode("]"), ...tokenizer.encode("}"));
  const ids: number[] = [];
  let state = start;
  while (!state.done && ids.length < MAX_TOKENS) {
    let chosen = state.forced();
    if (chosen.length === 0) {
      const mask = state.mask();
      const ending = random() < ENDING ? endings.find((id) => mask.has(id)) : undefined;
      chosen = [ending ?? draw(mask)];
    }
    for (const id of chosen) {
      if (!state.mask().has(id)) throw new Error(`token ${id} was forced and is not legal`);
      state = state.advance(id);
      ids.push(id);
    }
  }
  if (!state.done) throw new Error(`the reply did not end within ${MAX_TOKENS} tokens`);
  return ids;
}

/** What is wrong with a reply under its moves; undefined when nothing is. */
export function complaint(parts: readonly ReplyPart[], moves: Moves, valid: (schema: object) => ValidateFunction): string | undefined {
  const text = parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
  const calls = parts.filter((part) => part.type === "tool-call");
  const stop = parts.at(-1);
  const other = parts.find((part) => !["text-delta", "tool-call", "tool-call-delta", "stop"].includes(part.type));
  if (other) return JSON.stringify(other);
  if (stop?.type !== "stop") return "no stop";
  if (stop.reason === "turn") {
    if (calls.length > 0) return "calls in an answer";
    if (moves.answer === false) return "an answer that is not legal";
    if (moves.answer === true) return text.trim() === "" || text.includes("\ufffd") ? `the text ${JSON.stringify(text)}` : undefined;
    const validate = valid(moves.answer.schema);
    return validate(JSON.parse(text)) ? undefined : `the answer ${text}: ${JSON.stringify(validate.errors)}`;
  }
  if (stop.reason !== "calls") return `stopped by ${stop.reason}`;
  if (text !== "") return "text beside calls";
  if (calls.length < 1 || calls.length > moves.parallel) return `${calls.length} calls`;
  for (const { name, input } of calls) {
    const move = moves.calls.find((one) => one.name === name);
    if (!move) return `the call ${name}`;
    const validate = valid(move.input);
    if (!validate(input)) return `the input ${JSON.stringify(input)}: ${JSON.stringify(validate.errors)}`;
  }
  return undefined;
}

/** Under a `not`, what one side ignores is what the other side asserts: formats and texts mean here what the engine takes them for. */
const formats = Object.fromEntries(
  FORMAT_NAMES.map((name) => {
    const language = format(name);
    return [name, (text: string) => !language || has(language, text)];
  }),
);

/** ajv for the schemas of one set of moves, each compiled once. */
export function validators(): (schema: object) => ValidateFunction {
  const ajv = new Ajv2020({ strict: false, formats, logger: false });
  const keyword = (name: string, holds: (text: string, part: string) => boolean) =>
    ajv.addKeyword({ keyword: name, type: "string", schemaType: "string", validate: holds });
  keyword("substringOf", (text, part) => text.includes(part));
  keyword("uniqueSubstringOf", (text, part) => text.indexOf(part) >= 0 && text.indexOf(part) === text.lastIndexOf(part));
  const known = new Map<object, ValidateFunction>();
  return (schema) => {
    const validate = known.get(schema) ?? ajv.compile(schema);
    known.set(schema, validate);
    return validate;
  };
}
