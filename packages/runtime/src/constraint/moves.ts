/**
 * Moves → the grammar of one reply. In: what the reply may be, a tokenizer, a chat format. Out: a grammar.
 * Law: a reply that the grammar accepts is an answer that is allowed, or at most `parallel` calls of the moves with legal input.
 *
 *     reply   = [ thought ] ( ( text | json ) turnClose  |  calls )
 *     thought = channelOpen CHANNEL newline { text } channelClose
 *     calls   = call { call } responseOpen                                 where calls are native
 *             | before named { between named } after turnClose             where they are JSON: then no text begins with `before`
 *     call    = callOpen "call:" NAME "{" members "}" callClose
 *     named   = NAME beforeInput "{" members "}"
 */
import { TOOL_NAME, type CallMove, type JsonSchema, type Moves } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import type { ChatFormat, JsonFormat, NativeFormat } from "../prompt/format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { PLAIN_TEXT } from "./alphabet.ts";
import { copyableFrom } from "./copyable.ts";
import type { ConstraintFeatures } from "./features.ts";
import { createGrammar, type Grammar } from "./grammar.ts";
import { JSON_SURFACE, jsonSurface } from "./json.ts";
import { literal, neverBeginsLikeCall, textUnlikeCall } from "./json-calls.ts";
import { spellings } from "./literals.ts";
import { nativeSurface } from "./native.ts";
import { CONTROL, oneOf, repeat, sequence, type Part, type Structure } from "./part.ts";
import type { PartPosition } from "./position.ts";
import { bytes } from "./surface.ts";
import { text } from "./text.ts";
import { trieOf } from "./trie.ts";
import { valuePart, type ValueOptions } from "./value.ts";

/** Whether a reply has a thought: never, before all else if the model likes, or it is in one already when it begins. */
export type Thought = "none" | "optional" | "open";

/** Calls among the moves of one reply. */
const MAX_CALLS = 1_024;

/** The same in every grammar, so that their masks are made once. */
const FREE_TEXT = text(PLAIN_TEXT, { visible: true, position: "free-text" });
const THOUGHT_TEXT = text(PLAIN_TEXT);

export interface MovesOptions {
  /** Default `none`. */
  readonly thought?: Thought;
  readonly features?: ConstraintFeatures;
  /** The passages that `copyFrom: "conversation"` may copy from. Left out: a schema that has it cannot be compiled. */
  readonly conversation?: readonly string[] | undefined;
}

/**
 * Compiles moves into a grammar. Undeclared properties are never written, whatever the schema says of them. A move whose schema must copy,
 * where there is nothing to copy, is left out.
 * @throws ConstraintError `constraint/unsupported`, `constraint/bad-schema`, `constraint/unsatisfiable`, `constraint/nothing-to-copy` where no
 *   move is left, `constraint/too-large`, `constraint/too-deep`; `pointer` leads into the schema that the message names
 * @throws TokenizerError `tokenizer/no-control-token`
 */
export function compileMoves(
  moves: Moves,
  tokenizer: Tokenizer,
  format: ChatFormat,
  { thought = "none", features, conversation }: MovesOptions = {},
): Grammar {
  if (moves.calls.length > MAX_CALLS)
    throw new ConstraintError("constraint/too-large", `${moves.calls.length} calls are legal, at most ${MAX_CALLS} can be compiled`, {
      pointer: "",
      hint: "offer fewer tools at once",
    });
  const copyable = conversation && copyableFrom(conversation);
  const alphabet = trieOf(tokenizer).single;
  const control = (name: string, position?: PartPosition): Part => spellings([[CONTROL + tokenizer.controlId(name)]], position);
  const calling = moves.calls.length > 0;
  const possible = new Possible();
  const answers: Part[] = [];
  if (moves.answer === true) answers.push(calling && format.calls === "json" ? textUnlikeCall(format.json) : FREE_TEXT);
  else if (moves.answer !== false) {
    const { schema } = moves.answer;
    answers.push(...possible.of(() => value(schema, { subject: "the answer", surface: JSON_SURFACE, alphabet, copyable })));
    if (calling && format.calls === "json") for (const answer of answers) neverBeginsLikeCall(answer, format);
  }

  const replies = answers.map((answer) => sequence(answer, control(format.turnClose)));
  if (calling) replies.push(...callsOf(moves, format, { tokenizer, alphabet, copyable, control, possible }));
  if (replies.length === 0) throw possible.nothingToCopy ?? noMove();

  const reply = oneOf(replies);
  if (thought === "none") return createGrammar(reply, tokenizer, features);
  const thinking = [THOUGHT_TEXT, control(format.channelClose)];
  if (thought === "open") return createGrammar(sequence(...thinking, reply), tokenizer, features);
  const opening = [control(format.channelOpen), spellings([bytes(`${format.thoughtChannel}\n`)])];
  return createGrammar(oneOf([reply, sequence(...opening, ...thinking, reply)]), tokenizer, features);
}

/** Moves that can be made. One whose values must be copied, where there is nothing to copy, is left out. */
class Possible {
  /** Why the first one was left out. */
  nothingToCopy: ConstraintError | undefined;

  /** The move as a part, or nothing. */
  of(make: () => Part): Part[] {
    try {
      return [make()];
    } catch (thrown) {
      if (!(thrown instanceof ConstraintError) || thrown.code !== "constraint/nothing-to-copy") throw thrown;
      this.nothingToCopy ??= thrown;
      return [];
    }
  }
}

function noMove(): ConstraintError {
  return new ConstraintError("constraint/unsatisfiable", "neither an answer nor a call is legal", {
    pointer: "",
    hint: "a deciding state needs at least one legal move",
  });
}

interface Spelling {
  readonly tokenizer: Tokenizer;
  readonly alphabet: ReadonlySet<number>;
  readonly copyable: ValueOptions["copyable"];
  readonly control: (name: string, position?: PartPosition) => Part;
  readonly possible: Possible;
}

/** Nothing where no call can be made. */
function callsOf(moves: Moves, format: ChatFormat, spelling: Spelling): Structure[] {
  switch (format.calls) {
    case "native":
      return nativeCalls(moves, format, spelling);
    case "json":
      return jsonCalls(moves, format, spelling);
    case "none":
      throw new ConstraintError("constraint/unsupported", `calls are legal, and the chat format ${format.name} has none`, {
        pointer: "",
        hint: "leave calls out, or load a model whose format has them: docs/formats.md",
      });
  }
}

function nativeCalls(moves: Moves, format: NativeFormat, { tokenizer, control, possible, ...spelt }: Spelling): Structure[] {
  const surface = nativeSurface(tokenizer.controlId(format.quote));
  const callOf = (calls: readonly CallMove[]): Part[] => {
    const named = calls.flatMap((move) => possible.of(() => sequence(nameOf(move), input(move, { ...spelt, surface }))));
    if (named.length === 0) return [];
    return [sequence(control(format.callOpen, "move"), spellings([bytes("call:")]), oneOf(named), control(format.callClose))];
  };
  return batches(moves, callOf).map((calls) => sequence(calls, control(format.responseOpen, "move")));
}

/** One call that is alone, or up to `parallel` of the others. */
function batches({ calls, parallel }: Moves, callOf: (calls: readonly CallMove[]) => Part[], between?: Part): Part[] {
  if (parallel === 1) return callOf(calls);
  const alone = callOf(calls.filter((call) => call.alone === true));
  const others = callOf(calls.filter((call) => call.alone !== true));
  const all = [...others.map((one) => repeat(one, between, 1, parallel)), ...alone];
  return all.length === 0 ? [] : [oneOf(all)];
}

function jsonCalls(moves: Moves, { json, turnClose }: JsonFormat, { tokenizer, control, possible, ...spelt }: Spelling): Structure[] {
  const beforeInput = literal(json.beforeInput, tokenizer);
  const surface = jsonSurface(json.spacing);
  const callOf = (calls: readonly CallMove[]): Part[] => {
    const named = calls.flatMap((move) => possible.of(() => sequence(nameOf(move), beforeInput, input(move, { ...spelt, surface }))));
    return named.length === 0 ? [] : [oneOf(named)];
  };
  const batch = json.between === null ? callOf(moves.calls) : batches(moves, callOf, literal(json.between, tokenizer, "move"));
  return batch.map((calls) =>
    sequence(literal(json.before, tokenizer, "move"), calls, literal(json.after, tokenizer, "move"), control(turnClose)),
  );
}

function nameOf({ name }: CallMove): Part {
  if (!TOOL_NAME.test(name))
    throw new ConstraintError("constraint/unsupported", `${subjectOf(name)}: the call syntax cannot spell this name`, {
      pointer: "",
      hint: "use letters, digits, _ . - (at most 64)",
    });
  return spellings([bytes(name)], "tool-name");
}

/** Arguments are an object, so of the schema's values only the objects count. */
function input({ name, input: schema }: CallMove, spelt: Omit<Spelt, "subject" | "kind">): Part {
  return value(schema, { ...spelt, subject: subjectOf(name), kind: "object" });
}

function subjectOf(name: string): string {
  return `tool ${JSON.stringify(name)}`;
}

type Spelt = Pick<ValueOptions, "subject" | "surface" | "alphabet" | "copyable" | "kind">;

/** What an agent writes: every property at its place, none that nobody described, numbers without exponents. */
function value(schema: JsonSchema, spelt: Spelt): Part {
  return valuePart(schema, { ...spelt, order: "declared", undeclared: "never", exponent: false, formats: "assert" });
}
