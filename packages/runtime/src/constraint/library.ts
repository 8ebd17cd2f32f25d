/**
 * The constraint engine alone: a schema and a vocabulary, no model. In: a schema. Out: a grammar whose replies are JSON texts of its
 * values, without white space. Law: a complete text is valid under the schema; a valid value, spelt as JSON.stringify does, is a text.
 */
import type { Json } from "@orrery/chat";
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import { copyableFrom } from "./copyable.ts";
import { ALL_FEATURES, type ConstraintFeatures } from "./features.ts";
import { createGrammar, type Grammar } from "./grammar.ts";
import { JSON_SURFACE } from "./json.ts";
import { trieOf } from "./trie.ts";
import { valuePart } from "./value.ts";

/** How {@link compile} reads a schema, and what may be written of its values. */
export interface CompileOptions {
  /** The draft of a schema that has no `$schema`. Default `2020-12`. */
  readonly draft?: "2020-12" | "07";
  /** `assert` (default): a string must have the format that the schema names, if JSON Schema or OpenAPI defines it; `annotate`: formats are remarks. */
  readonly formats?: "assert" | "annotate";
  /** Documents that `$ref` may lead to, by URI. Nothing is ever fetched. Default none. */
  readonly remotes?: ReadonlyMap<string, Json>;
  /** What was said so far, text by text: `copyFrom: "conversation"` copies from it. Left out: a schema that has it cannot be compiled. */
  readonly conversation?: readonly string[];
  /** `any` (default): the properties of an object come in every order; `declared`: in the order of the schema. */
  readonly order?: "any" | "declared";
  /** Property names of which the schema says nothing: `allowed` (default, as the standard has it) or `never` written. */
  readonly undeclared?: "allowed" | "never";
  /** Ways to make masks fast; each can be switched off, and none changes a mask. Default: all. */
  readonly features?: Partial<ConstraintFeatures>;
  /** Names the schema in messages. Default `the schema`. */
  readonly subject?: string;
}

/**
 * Compiles a JSON Schema into a grammar over a vocabulary.
 *
 * @param schema A JSON Schema as plain data. `$schema` may name draft 2020-12, 2019-09, -07, -06 or -04.
 * @param vocabulary Ids and their bytes, best with a token for each byte; no control token is ever legal. With `encode` (a Tokenizer)
 *   `forced` gives literal text as the tokenizer spells it; without, only tokens that are alone in their mask.
 * @returns The grammar; its `start()` is the state before the first token. Equal schemas are compiled anew at each call: keep the grammar.
 * @throws ConstraintError `constraint/bad-schema`, `constraint/unsupported`, `constraint/unsatisfiable`, `constraint/nothing-to-copy`,
 *   `constraint/too-deep`, `constraint/too-large`; `pointer` leads to the place in the schema
 */
export function compile(schema: unknown, vocabulary: Vocabulary, options: CompileOptions = {}): Grammar {
  const part = valuePart(schema, {
    subject: options.subject ?? "the schema",
    surface: JSON_SURFACE,
    order: options.order ?? "any",
    undeclared: options.undeclared ?? "allowed",
    exponent: true,
    formats: options.formats ?? "assert",
    draft: options.draft,
    remotes: options.remotes,
    copyable: options.conversation && copyableFrom(options.conversation),
    alphabet: trieOf(vocabulary).single,
  });
  return createGrammar(part, vocabulary, { ...ALL_FEATURES, ...options.features });
}
