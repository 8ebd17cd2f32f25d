/**
 * Schema → the part that spells its values on a surface. In: a schema as plain data, perhaps hostile. Out: a part. Law: what the part
 * accepts is exactly what the schema allows (of it, what the options let be written); what cannot be compiled exactly is an error.
 */
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import type { SchemaNode } from "./document/node.ts";
import { openSchema } from "./document/open.ts";
import { Expansion } from "./goals/expansion.ts";
import { Formulas, type Formula, type Kind } from "./goals/formula.ts";
import { Inhabitation } from "./goals/inhabited.ts";
import type { Copyable } from "./copyable.ts";
import type { TranslationOptions } from "./goals/translate.ts";
import type { Part } from "./part.ts";
import type { Surface } from "./surface.ts";
import { prepare } from "./values/prepare.ts";
import { Parts } from "./values/parts.ts";

export interface ValueOptions {
  /** What the schema describes, for messages: "tool 'search'". */
  readonly subject: string;
  readonly surface: Surface;
  /** `declared`: properties in the surface's order; `any`: in every order. */
  readonly order: "declared" | "any";
  /** Property names of which the schema says nothing: `never` written, or `allowed`. */
  readonly undeclared: "never" | "allowed";
  /** May numbers have exponents, and 17 digits? Otherwise 15. */
  readonly exponent: boolean;
  readonly formats: TranslationOptions["formats"];
  readonly copyable?: Copyable | undefined;
  /** What `$schema` does not say. Default 2020-12. */
  readonly draft?: "2020-12" | "07" | undefined;
  /** Documents that references may lead to, by URI. */
  readonly remotes?: ReadonlyMap<string, Json> | undefined;
  /** Only values of this kind. */
  readonly kind?: Kind | undefined;
  /** The bytes that the vocabulary has a token of its own for; left out: all. */
  readonly alphabet?: ReadonlySet<number> | undefined;
}

/**
 * @throws ConstraintError `constraint/bad-schema`, `constraint/unsupported`, `constraint/unsatisfiable`, `constraint/nothing-to-copy`,
 *   `constraint/too-deep`, `constraint/too-large`
 */
export function valuePart(schema: unknown, options: ValueOptions): Part {
  try {
    return compiled(schema, options);
  } catch (thrown) {
    // Definitions may lead from one to the next however deep; every recursion over them ends here.
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new ConstraintError("constraint/too-deep", `${options.subject}: the schema's references lead too deep`, {
      pointer: "",
      hint: "nest fewer schemas, or let a reference lead back to one that is open",
    });
  }
}

function compiled(schema: unknown, options: ValueOptions): Part {
  const { subject, surface, exponent, draft, remotes, alphabet } = options;
  const node = openSchema(schema, { subject, ...(draft ? { draft } : {}), ...(remotes ? { remotes } : {}) });
  const { root, inhabitation } = goalOf(node, options, "assert");
  if (!inhabitation.has(root)) throw noValue(node, options);
  const parts = new Parts(inhabitation, { surface, exponent, alphabet });
  prepare(parts.part(root));
  return parts.part(root);
}

interface Goal {
  readonly root: Formula;
  readonly inhabitation: Inhabitation;
}

function goalOf(node: SchemaNode, options: ValueOptions, copies: "assert" | "annotate"): Goal {
  const { subject, surface, order, undeclared, formats, copyable, kind } = options;
  const formulas = new Formulas({ subject, pointer: "" });
  const inhabitation = new Inhabitation(new Expansion(formulas, { formats, copyable, copies }), {
    undeclared,
    spellable: () => surface.freeKey.names,
    order: order === "any" ? "any" : (names) => surface.order(names),
  });
  const root = kind ? formulas.all([formulas.kinds(kind), formulas.schema(node)]) : formulas.schema(node);
  inhabitation.prepare(root);
  return { root, inhabitation };
}

function noValue(node: SchemaNode, options: ValueOptions): ConstraintError {
  const { root, inhabitation } = goalOf(node, options, "annotate");
  if (inhabitation.has(root))
    return new ConstraintError("constraint/nothing-to-copy", `${options.subject}: there is nothing to copy that the schema allows`, {
      pointer: "",
      hint: "offer it when there is something, or let the schema do without: `copyFrom`, `substringOf` and `uniqueSubstringOf` take values from a text",
    });
  return new ConstraintError("constraint/unsatisfiable", `${options.subject}: no value satisfies the schema`, {
    pointer: "",
    hint: "leave the move out when nothing can be chosen",
  });
}
