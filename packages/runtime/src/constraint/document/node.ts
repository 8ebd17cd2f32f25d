/**
 * A schema as the compiler sees it: every keyword typed, every reference resolved, drafts made equal. Law: a node says all that its
 * place in the schema says; what is absent is not asserted.
 */
import type { Json } from "@orrery/chat";
import type { Where } from "../where.ts";

export type JsonType = "null" | "boolean" | "number" | "integer" | "string" | "array" | "object";

/** One object per place in a schema and dynamic scope, so that its identity can be a key. */
export interface SchemaNode {
  /** The place: "" or "/properties/a" in the schema that was given, "https://example.com/address#/properties/a" in another document. */
  readonly where: Where;
  /** The schemas `true` and `false`. */
  readonly always?: boolean;
  readonly types?: ReadonlySet<JsonType>;
  readonly enum?: readonly Json[];
  readonly const?: { readonly value: Json };

  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;

  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  /** The schema's own vocabulary says that `format` asserts, whatever the compiler's options say. */
  readonly assertsFormat?: true;
  /** Drafts before 2019-09 let an implementation assert these two; later ones make them annotations, and here they are absent. */
  readonly contentEncoding?: string;
  readonly contentMediaType?: string;
  readonly substringOf?: string;
  readonly uniqueSubstringOf?: string;
  readonly copyFrom?: "conversation";

  readonly prefixItems?: readonly SchemaNode[];
  /** Items after those of `prefixItems`. */
  readonly items?: SchemaNode;
  readonly contains?: SchemaNode;
  readonly minContains?: number;
  readonly maxContains?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: true;
  readonly unevaluatedItems?: SchemaNode;

  readonly properties?: ReadonlyMap<string, SchemaNode>;
  readonly patternProperties?: ReadonlyMap<string, SchemaNode>;
  readonly additionalProperties?: SchemaNode;
  readonly propertyNames?: SchemaNode;
  /** Without repetitions. */
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly dependentRequired?: ReadonlyMap<string, readonly string[]>;
  readonly dependentSchemas?: ReadonlyMap<string, SchemaNode>;
  readonly unevaluatedProperties?: SchemaNode;

  readonly allOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly not?: SchemaNode;
  /** Present without `then` and `else` too: what it evaluates counts for `unevaluated…`. */
  readonly if?: SchemaNode;
  readonly then?: SchemaNode;
  readonly else?: SchemaNode;

  /** A function, so that a recursive schema is a finite thing. Never throws: everything that can be reached was read at once. */
  readonly ref?: () => SchemaNode;
  readonly dynamicRef?: () => SchemaNode;
}

export interface SchemaOptions {
  /** Names the schema in messages, e.g. "tool 'add'". */
  readonly subject: string;
  /** The draft where `$schema` says nothing; "2020-12" unless given. */
  readonly draft?: "2020-12" | "07";
  /** Documents that references may lead to, by absolute URI. Nothing is ever fetched. */
  readonly remotes?: ReadonlyMap<string, Json>;
}
