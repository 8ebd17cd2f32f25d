/**
 * Moves → the grammar of one reply. In: what the reply may be, a tokenizer, a chat format. Out: a grammar.
 * Law: a reply that the grammar accepts is an answer that is allowed, or at most `parallel` calls of the moves with legal input.
 *
 *     reply = [ thought ] ( ( text | json ) turnClose  |  call { call } responseOpen )
 *     thought = channelOpen CHANNEL newline { text } channelClose
 *     call  = callOpen "call:" NAME "{" members "}" callClose
 */
import { TOOL_NAME, type CallMove, type JsonSchema, type Moves } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import type { ChatFormat } from "../prompt/format.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import { PLAIN_TEXT } from "./alphabet.ts";
import { createGrammar, type Grammar } from "./grammar.ts";
import { intersect } from "./intersect.ts";
import { object } from "./ir.ts";
import { JSON_SURFACE } from "./json.ts";
import { Budget, MAX_CALLS } from "./limits.ts";
import { spellings } from "./literals.ts";
import { lower } from "./lower.ts";
import { nativeSurface } from "./native.ts";
import { CONTROL, oneOf, repeat, sequence, type Part } from "./part.ts";
import type { PartPosition } from "./position.ts";
import { compileSchema, requireTyped } from "./schema.ts";
import { bytes, type Surface } from "./surface.ts";
import { text } from "./text.ts";
import { trieOf } from "./trie.ts";

/** Whether a reply has a thought: never, before all else if the model likes, or it is in one already when it begins. */
export type Thought = "none" | "optional" | "open";

/**
 * Compiles moves into a grammar. Undeclared properties are never written, whatever the schema says of them.
 * @throws ConstraintError `constraint/unsupported`, `constraint/bad-schema`, `constraint/unsatisfiable`, `constraint/too-large`,
 *   `constraint/too-deep`; `pointer` leads into the schema that the message names
 * @throws TokenizerError `tokenizer/no-control-token`
 */
export function compileMoves(moves: Moves, tokenizer: Tokenizer, format: ChatFormat, thought: Thought = "none"): Grammar {
  if (moves.calls.length > MAX_CALLS)
    throw new ConstraintError("constraint/too-large", `${moves.calls.length} calls are legal, at most ${MAX_CALLS} can be compiled`, {
      pointer: "",
      hint: "offer fewer tools at once",
    });
  const alphabet = trieOf(tokenizer).single;
  const control = (name: string, position?: PartPosition): Part => spellings([[CONTROL + tokenizer.controlId(name)]], position);
  const answers: Part[] = [];
  if (moves.answer === true) answers.push(text(PLAIN_TEXT, { min: 1, max: Infinity, visible: true, position: "free-text" }));
  else if (moves.answer !== false) answers.push(value(moves.answer.schema, "the answer", JSON_SURFACE, alphabet));

  const replies = answers.map((answer) => sequence(answer, control(format.turnClose)));
  if (moves.calls.length > 0) {
    const surface = nativeSurface(tokenizer.controlId(format.quote));
    const named = moves.calls.map((move) => call(move, surface, alphabet));
    const one = sequence(control(format.callOpen, "move"), spellings([bytes("call:")]), oneOf(named), control(format.callClose));
    replies.push(sequence(repeat(one, undefined, 1, moves.parallel), control(format.responseOpen, "move")));
  }
  if (replies.length === 0)
    throw new ConstraintError("constraint/unsatisfiable", "neither an answer nor a call is legal", {
      pointer: "",
      hint: "a deciding state needs at least one legal move",
    });

  const reply = oneOf(replies);
  if (thought === "none") return createGrammar(reply, tokenizer);
  const thinking = [text(PLAIN_TEXT, { min: 0, max: Infinity }), control(format.channelClose)];
  if (thought === "open") return createGrammar(sequence(...thinking, reply), tokenizer);
  const opening = [control(format.channelOpen), spellings([bytes(`${format.thoughtChannel}\n`)])];
  return createGrammar(oneOf([reply, sequence(...opening, ...thinking, reply)]), tokenizer);
}

function call({ name, input }: CallMove, surface: Surface, alphabet: ReadonlySet<number>): Part {
  const subject = `tool ${JSON.stringify(name)}`;
  if (!TOOL_NAME.test(name))
    throw new ConstraintError("constraint/unsupported", `${subject}: the call syntax cannot spell this name`, {
      pointer: "",
      hint: "use letters, digits, _ . - (at most 64)",
    });
  // Arguments are an object in this syntax, so of the schema's values only the objects count.
  const objects = intersect(compileSchema(input, subject), object(new Map(), false, ""), new Budget(subject));
  return sequence(spellings([bytes(name)], "tool-name"), lower(requireTyped(objects, subject), { surface, subject, alphabet }));
}

function value(schema: JsonSchema, subject: string, surface: Surface, alphabet: ReadonlySet<number>): Part {
  return lower(requireTyped(compileSchema(schema, subject), subject), { surface, subject, alphabet });
}
