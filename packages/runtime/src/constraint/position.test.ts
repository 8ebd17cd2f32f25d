import type { JsonObject } from "@orrery/chat";
import { miniTokenizer } from "../prompt/fixtures.test.support.ts";
import { GEMMA4_FORMAT } from "../prompt/format.ts";
import { createConstraintEngine } from "./engine.ts";
import type { ConstraintState } from "./grammar.ts";
import type { Position } from "./position.ts";

const tokenizer = miniTokenizer();
const engine = createConstraintEngine(tokenizer, GEMMA4_FORMAT);

/** Control tokens in angle brackets, text between them. */
function idsOf(text: string): number[] {
  return text
    .split(/(<[^<>]*>)/)
    .filter((piece) => piece !== "")
    .flatMap((piece) => (tokenizer.control.has(piece) ? [tokenizer.controlId(piece)] : tokenizer.encode(piece)));
}

/** The position before each token of a reply, equal neighbours as one. */
function positions(start: ConstraintState, reply: string): Position[] {
  const found: Position[] = [];
  let state = start;
  for (const id of idsOf(reply)) {
    if (state.position !== found.at(-1)) found.push(state.position);
    state = state.advance(id);
  }
  return found;
}

const object = (properties: Record<string, JsonObject>): JsonObject => ({ type: "object", properties, required: Object.keys(properties) });
const tools = [
  { name: "convert", input: object({ amount: { type: "number" }, unit: { enum: ["metre", "mile"] } }) },
  { name: "find", input: object({ query: { type: "string" } }) },
] as const;
const grammar = () => engine.compile({ answer: true, calls: tools, parallel: 2 }).start();

test("an answer is a choice and then text, its end included", () => {
  expect(positions(grammar(), "It is noon.<turn|>")).toEqual(["move", "free-text"]);
});

test("a call's parts are told apart", () => {
  const reply = '<|tool_call>call:convert{amount:42,unit:<|"|>mile<|"|>}<tool_call|><|tool_response>';
  expect(positions(grammar(), reply)).toEqual([
    "move",
    "structure",
    "tool-name",
    "structure",
    "number",
    "structure",
    "enum",
    "structure",
    "move",
  ]);
});

test("what is written between quotes is a string until its end", () => {
  const found = positions(grammar(), '<|tool_call>call:find{query:<|"|>a b, c<|"|>}<tool_call|><|tool_response>');
  expect(found).toEqual(["move", "structure", "tool-name", "structure", "string", "structure", "move"]);
});

test("a key that may be left out is structure", () => {
  const optional = { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } } };
  const start = engine.compile({ answer: false, calls: [{ name: "f", input: optional }], parallel: 1 }).start();
  const found = positions(start, "<|tool_call>call:f{b:1}<tool_call|><|tool_response>");
  expect(found).toEqual(["move", "structure", "tool-name", "structure", "number", "structure", "move"]);
});
