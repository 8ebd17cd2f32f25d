/** How calls are recognised among the tokens of a reply. In: a chat format. Out: the tokens with which a call begins, and what ends its texts. */
import type { VocabularyTrie } from "./constraint/trie.ts";
import type { JsonFormat, NativeFormat } from "./prompt/format.ts";
import { CopySource } from "./sampling/copy-source.ts";
import type { CallMarks } from "./sampling/reply-bias.ts";
import { TokensAlong } from "./sampling/tokens-along.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

/** @throws TokenizerError `tokenizer/no-control-token` */
export function callMarks(tokenizer: Tokenizer, trie: VocabularyTrie, format: NativeFormat | JsonFormat): CallMarks {
  if (format.calls === "native")
    return { opens: new Set([tokenizer.controlId(format.callOpen)]), quote: tokenizer.controlId(format.quote) };
  const [first] = format.json.before;
  const opens = new Set<number>();
  if (first && "control" in first) opens.add(tokenizer.controlId(first.control));
  else if (first) new TokensAlong(trie).collect(new CopySource([first.text]), 0, opens);
  return { opens, quote: undefined };
}
