import { GEMMA4_FORMAT } from "./prompt/format.ts";
import { miniTokenizer } from "./prompt/fixtures.test.support.ts";
import { createReplyParser } from "./prompt/reply.ts";
import { ReplyReader } from "./reply-events.ts";

const F = GEMMA4_FORMAT;
const tokenizer = miniTokenizer();

/** Control tokens in their own list entries, text in others. */
function read(reply: readonly string[], taken: readonly string[] = []) {
  const reader = new ReplyReader(createReplyParser(tokenizer, F), new Set(taken));
  const ids = reply.flatMap((part) => (tokenizer.control.has(part) ? [tokenizer.controlId(part)] : tokenizer.encode(part)));
  const events = [...ids.flatMap((id) => reader.push(id)), ...reader.end()];
  return { shape: reader.shape, events, ids: events.flatMap((event) => (event.type === "tool-call" ? [event.call.id] : [])) };
}

const CALL = [F.callOpen, "call:f{}", F.callClose];

test("a reply is incomplete until its stop token has come", () => {
  expect(read(["Hello"]).shape).toBe("incomplete");
  expect(read(["Hello", F.turnClose]).shape).toBe("text");
  expect(read(CALL).shape).toBe("incomplete");
  expect(read([...CALL, F.responseOpen]).shape).toBe("calls");
  expect(read([F.callOpen, "call:f{"]).shape).toBe("incomplete");
});

test("a reply that stops inside a call is malformed, not a text", () => {
  expect(read([F.callOpen, "call:f{", F.turnClose]).shape).toBe("malformed");
  expect(read([...CALL, F.callOpen, "call:f{", F.responseOpen]).shape).toBe("malformed");
});

test("calls are numbered on from those before, past ids that are taken; all events of a call have its id", () => {
  expect(read([...CALL, ...CALL, F.responseOpen]).ids).toEqual(["call-1", "call-2"]);
  expect(read([...CALL, ...CALL, F.responseOpen], ["call-2", "call-4", "x"]).ids).toEqual(["call-5", "call-6"]);
  const { events } = read([F.callOpen, "call:f{a:1}", F.callClose, F.responseOpen], ["call-2"]);
  expect(new Set(events.map((event) => (event.type === "tool-call" ? event.call.id : "id" in event ? event.id : "")))).toEqual(
    new Set(["call-3"]),
  );
});
