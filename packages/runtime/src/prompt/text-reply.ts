/**
 * The reply of a model whose format has no calls, or that may not call: text until it stops. In: token ids, one by one. Out: the parts of a reply
 * (reply.ts). Law: only ids stop it; a control token that means nothing here is left out.
 */
import { TextStream } from "../tokenizer/stream.ts";
import type { Tokenizer } from "../tokenizer/vocabulary.ts";
import type { ChatFormat } from "./format.ts";
import type { ReplyParser, ReplyPart } from "./reply.ts";

/** @throws TokenizerError `tokenizer/no-control-token` when the vocabulary lacks the token that ends a turn */
export function createTextReplyParser(tokenizer: Tokenizer, format: ChatFormat): ReplyParser {
  const turn = tokenizer.controlId(format.turnClose);
  const end = tokenizer.control.get(format.end);
  const stream = new TextStream(tokenizer);
  let stopped = false;
  const text = (delta: string): ReplyPart[] => (delta === "" ? [] : [{ type: "text-delta", text: delta }]);
  return {
    push(id) {
      if (stopped) return [];
      stopped = id === turn || id === end;
      if (stopped) return [...text(stream.end()), { type: "stop", reason: id === turn ? "turn" : "end" }];
      return text(tokenizer.bytes(id) ? stream.push(id) : stream.end());
    },
    end() {
      if (stopped) return [];
      stopped = true;
      return text(stream.end());
    },
  };
}
