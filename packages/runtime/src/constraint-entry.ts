/**
 * `@orrery/runtime/constraint`: the constraint engine alone. A JSON Schema and a vocabulary become a grammar; its states give the mask
 * of the next token. No model, no engine, no network: it works beside any runtime that lets its logits be seen.
 *
 *     const tokenizer = await loadTokenizer("models/some-model"); // a folder with tokenizer.json
 *     let state = compile(schema, tokenizer).start();
 *     while (!state.done) {
 *       const logits = await step(ids); // the other runtime's, Float32Array [vocabulary]
 *       maskLogits(logits, state.mask(), state.mayEnd ? [endOfText] : []);
 *       const id = sample(logits);
 *       if (id === endOfText) break;
 *       ids.push(id);
 *       state = state.advance(id);
 *     }
 */
export { compile, type CompileOptions } from "./constraint/library.ts";
export type { ConstraintState, Grammar } from "./constraint/grammar.ts";
export type { Spelling } from "./constraint/forced.ts";
export type { ConstraintFeatures } from "./constraint/features.ts";
export { maskLogits } from "./constraint/logits.ts";
export type { Position } from "./constraint/position.ts";
export type { TokenMask } from "./constraint/token-mask.ts";
export type { Tokenizer, Vocabulary } from "./tokenizer/vocabulary.ts";
export { loadTokenizer } from "./tokenizer/load.ts";
export { createTokenizer } from "./tokenizer/tokenizer.ts";
export { ConstraintError, TokenizerError } from "./errors.ts";
