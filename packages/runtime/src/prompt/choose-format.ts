/**
 * Which prompt format a loaded model has. In: what its checkpoint says. Out: the format. Law: the vocabulary decides, since a format is
 * the control tokens that the model was trained on; where none of a known format is there, the checkpoint's own template.
 */
import { FUNCTION_GEMMA_FORMAT, GEMMA4_FORMAT, missingTokens, type ChatFormat } from "./format.ts";
import { FUNCTION_GEMMA } from "./functiongemma.ts";
import { GEMMA3 } from "./gemma3.ts";
import { gemma4 } from "./gemma4.ts";
import { GRANITE_TOKENS, graniteFormat } from "./granite.ts";
import { jinjaFormat } from "./jinja.ts";
import type { PromptFormat } from "./prompt-format.ts";

/** What of a checkpoint tells its format. */
export interface FormatFacts {
  readonly control: ReadonlyMap<string, number>;
  /** The text of its chat template, undefined where there is none, and the tokens that it calls `bos_token` and `eos_token`, or "". */
  readonly template?: { readonly source: string | undefined; readonly bos: string; readonly eos: string };
  /** True for a model of Gemma 4's family without per-layer embeddings: 12B and larger. Undefined where the weights do not say. */
  readonly largeGemma4?: boolean | undefined;
}

/** What the template of the large models writes for a model that is not to think. */
const EMPTY_THOUGHT = /<\|channel>thought(?:\\n|\n)<channel\|>/;

/**
 * A format that the vocabulary may still lack tokens of: then chat refuses, see {@link requireFormat}.
 * @param today the date that a template is told, if it asks
 */
export function chooseFormat({ control, template, largeGemma4 }: FormatFacts, today = new Date()): PromptFormat {
  const source = template?.source ?? "";
  const has = (format: ChatFormat) => missingTokens({ control }, format).length === 0;
  if (has(GEMMA4_FORMAT)) return gemma4((largeGemma4 ?? EMPTY_THOUGHT.test(source)) ? "large" : "small");
  if (has(FUNCTION_GEMMA_FORMAT)) return FUNCTION_GEMMA;
  if (has(GEMMA3.format)) return GEMMA3;
  if (template === undefined || source === "") return gemma4("small");
  const facts = { source, control, bos: template.bos, eos: template.eos, today };
  if (GRANITE_TOKENS.every((token) => control.has(token))) return graniteFormat(facts);
  return jinjaFormat({ ...facts, name: "template", dialect: "tool_calls" });
}
