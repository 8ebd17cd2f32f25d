/** The prompt: one turn of a user, in the chat format of Orrery Mini. In: text. Out: token ids; no text becomes a control token. */
import type { Tokenizer } from "@orrery/runtime/constraint";

export function promptOf(text: string, tokenizer: Tokenizer): number[] {
  const control = (name: string) => tokenizer.controlId(name);
  const user = [control("<|turn>"), ...tokenizer.encode(`user\n${text}`), control("<turn|>"), ...tokenizer.encode("\n")];
  return [control("<bos>"), ...user, control("<|turn>"), ...tokenizer.encode("model\n")];
}
