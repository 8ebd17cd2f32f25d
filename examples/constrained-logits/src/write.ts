/** The loop: a runtime's logits, a grammar's mask. In: a model, a grammar, a prompt. Out: JSON text that the schema allows. */
import { maskLogits, type Grammar, type Tokenizer } from "@orrery/runtime/constraint";

/** What the loop needs of a runtime. */
export interface Logits {
  /** The logits of the token after these, which go on with the text so far. */
  step(ids: readonly number[]): Promise<Float32Array>;
}

export interface Written {
  readonly text: string;
  readonly tokens: number;
  /** Tokens that nobody was asked for. */
  readonly forced: number;
}

export interface WriteOptions {
  readonly tokenizer: Tokenizer;
  /** The token with which the model ends a text. */
  readonly end: number;
  readonly maxTokens: number;
}

/** Greedy. @throws Error when the text is not complete after `maxTokens` */
export async function write(model: Logits, grammar: Grammar, prompt: readonly number[], options: WriteOptions): Promise<Written> {
  const { tokenizer, end, maxTokens } = options;
  const ids: number[] = [];
  let waiting = prompt;
  let forced = 0;
  let state = grammar.start();
  while (!state.done) {
    if (ids.length >= maxTokens) throw new Error(`not complete after ${maxTokens} tokens: ${tokenizer.decode(ids)}`);
    let next = state.forced();
    forced += next.length;
    if (next.length === 0) {
      const logits = await model.step(waiting);
      waiting = [];
      maskLogits(logits, state.mask(), state.mayEnd ? [end] : []);
      const id = argmax(logits);
      if (id === end) break;
      next = [id];
    }
    for (const id of next) state = state.advance(id);
    ids.push(...next);
    waiting = [...waiting, ...next];
  }
  return { text: tokenizer.decode(ids), tokens: ids.length, forced };
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}
