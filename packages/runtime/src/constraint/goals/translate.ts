/**
 * Schemas → formulas, keyword by keyword. In: a schema node. Out: the formula that holds exactly for its values; the schemas of items
 * and properties stay closed until somebody looks into them. Law: one line a keyword; what a keyword means is in formula.ts.
 */
import type { SchemaNode } from "../document/node.ts";
import * as number from "../numbers/index.ts";
import type { NumberSet } from "../numbers/index.ts";
import * as text from "../strings/index.ts";
import { format, pattern, substringOf, UNDECIDED_FORMATS, uniqueSubstringOf, type Language } from "../strings/index.ts";
import { ConstraintError } from "../../errors.ts";
import type { Copyable } from "../copyable.ts";
import type { Formula, Formulas, Kind } from "./formula.ts";
import { complementOf, matching, these, unionOf, type NameSet } from "./names.ts";
import type { Where } from "../where.ts";
import { areApart } from "./apart.ts";
import { unevaluated } from "./unevaluated.ts";

export interface TranslationOptions {
  /** Are formats assertions, or remarks? */
  readonly formats: "assert" | "annotate";
  /** What `copyFrom: "conversation"` may copy. */
  readonly copyable?: Copyable | undefined;
  /** `annotate`: `copyFrom`, `substringOf` and `uniqueSubstringOf` are remarks. Default: assertions. */
  readonly copies?: "assert" | "annotate" | undefined;
}

export class Translation {
  readonly formulas: Formulas;
  readonly #options: TranslationOptions;
  /** The strings that satisfy a formula: property names are strings. */
  readonly #stringsOf: (formula: Formula) => Language;
  readonly #done = new Map<SchemaNode, Formula>();

  constructor(formulas: Formulas, options: TranslationOptions, stringsOf: (formula: Formula) => Language) {
    this.formulas = formulas;
    this.#options = options;
    this.#stringsOf = stringsOf;
  }

  /** What a closed formula says, one level down. */
  open(closed: Formula & { readonly kind: "schema" }): Formula {
    return this.formulas.at(closed, () => {
      const formula = this.formulaOf(closed.node);
      return closed.negated ? this.formulas.not(formula) : formula;
    });
  }

  formulaOf(node: SchemaNode): Formula {
    let formula = this.#done.get(node);
    if (!formula) {
      formula = this.formulas.all([this.#own(node), ...this.#applied(node)]);
      if (node.unevaluatedItems || node.unevaluatedProperties) formula = this.formulas.all([formula, unevaluated(this, node)]);
      this.#done.set(node, formula);
    }
    return formula;
  }

  /** What the node says of the value itself, its items and its properties. */
  #own(node: SchemaNode): Formula {
    return this.formulas.all([
      ...this.#values(node),
      this.#numbers(node),
      this.#strings(node),
      ...this.#arrays(node),
      ...this.#objects(node),
    ]);
  }

  /** What the schemas beside it, which judge the same value, say. */
  #applied(node: SchemaNode): Formula[] {
    const { formulas } = this;
    const parts = [...(node.allOf ?? []), ...this.targets(node)].map((one) => formulas.schema(one));
    if (node.anyOf) parts.push(formulas.any(node.anyOf.map((one) => formulas.schema(one))));
    if (node.oneOf) parts.push(formulas.any(node.oneOf.map((_, index) => this.#onlyOne(node.oneOf!, index))));
    if (node.not) parts.push(formulas.schema(node.not, true));
    if (node.if) {
      const then = formulas.all([formulas.schema(node.if), ...(node.then ? [formulas.schema(node.then)] : [])]);
      const otherwise = formulas.all([formulas.schema(node.if, true), ...(node.else ? [formulas.schema(node.else)] : [])]);
      if (node.then || node.else) parts.push(formulas.any([then, otherwise]));
    }
    for (const [name, schema] of node.dependentSchemas ?? []) parts.push(formulas.any([this.#absent(name), formulas.schema(schema)]));
    return parts;
  }

  /** The schemas that `$ref` and `$dynamicRef` lead to. */
  targets(node: SchemaNode): SchemaNode[] {
    return [node.ref, node.dynamicRef].flatMap((target) => (target ? [target()] : []));
  }

  /** The branch, and none of the others; those that exclude it anyway need not be said. */
  #onlyOne(branches: readonly SchemaNode[], index: number): Formula {
    const { formulas } = this;
    const one = formulas.schema(branches[index]!);
    const others = branches.filter((other, i) => i !== index && !areApart(branches[index]!, other));
    return formulas.all([one, ...others.map((other) => formulas.schema(other, true))]);
  }

  #absent(name: string): Formula {
    return this.formulas.each(these([name]), this.formulas.nothing);
  }

  present(name: string): Formula {
    return this.formulas.some(these([name]), this.formulas.everything);
  }

  /** The names that a node's own keywords look at. */
  #ownNames(node: SchemaNode): NameSet {
    const listed: NameSet = these(node.properties?.keys() ?? []);
    return this.patternsOf(node).reduce((names, language) => unionOf(names, matching(language), node.where), listed);
  }

  patternsOf(node: SchemaNode): Language[] {
    return [...(node.patternProperties?.keys() ?? [])].map((source) => pattern(source, keyword(node, "patternProperties")));
  }

  #values({ types, enum: listed, const: only }: SchemaNode): Formula[] {
    const { formulas } = this;
    const parts: Formula[] = [];
    if (types) {
      const kinds = new Set<Kind>();
      for (const type of types) {
        if (type === "boolean") kinds.add("true").add("false");
        else kinds.add(type === "integer" ? "number" : type);
      }
      parts.push(formulas.kinds(...kinds));
      if (types.has("integer") && !types.has("number")) parts.push(formulas.number(number.INTEGERS));
    }
    if (listed) parts.push(formulas.among(listed));
    if (only) parts.push(formulas.constant(only.value));
    return parts;
  }

  #numbers(node: SchemaNode): Formula {
    const sets: NumberSet[] = [];
    if (node.minimum !== undefined) sets.push(number.atLeast(node.minimum, false));
    if (node.exclusiveMinimum !== undefined) sets.push(number.atLeast(node.exclusiveMinimum, true));
    if (node.maximum !== undefined) sets.push(number.atMost(node.maximum, false));
    if (node.exclusiveMaximum !== undefined) sets.push(number.atMost(node.exclusiveMaximum, true));
    if (node.multipleOf !== undefined) sets.push(number.multipleOf(node.multipleOf));
    if (node.copyFrom && this.#options.copies !== "annotate") sets.push(this.#copyable(node).numbers);
    return sets.length === 0 ? this.formulas.everything : this.formulas.number(number.intersection(sets, node.where));
  }

  #strings(node: SchemaNode): Formula {
    const languages: Language[] = [];
    if (node.minLength !== undefined || node.maxLength !== undefined)
      languages.push(text.length(node.minLength ?? 0, node.maxLength ?? Infinity));
    if (node.pattern !== undefined) languages.push(pattern(node.pattern, keyword(node, "pattern")));
    if (node.format !== undefined && (this.#options.formats === "assert" || node.assertsFormat))
      languages.push(this.#format(node, node.format));
    if (node.contentEncoding !== undefined) languages.push(encoded(node, node.contentEncoding));
    if (node.contentMediaType !== undefined) throw unsupported(node, "contentMediaType", node.contentMediaType);
    if (this.#options.copies !== "annotate") languages.push(...this.#copies(node));
    if (languages.length === 0) return this.formulas.everything;
    return this.formulas.string(languages.length === 1 ? languages[0]! : text.intersection(languages, node.where));
  }

  #copies(node: SchemaNode): Language[] {
    const languages: Language[] = [];
    if (node.substringOf !== undefined) languages.push(substringOf(node.substringOf));
    if (node.uniqueSubstringOf !== undefined) languages.push(uniqueSubstringOf(node.uniqueSubstringOf));
    if (node.copyFrom) languages.push(this.#copyable(node).strings);
    return languages;
  }

  #format(node: SchemaNode, name: string): Language {
    const language = format(name);
    if (language) return language;
    // A name that the standard does not define is a remark, unless the schema's vocabulary wants to be refused for it.
    if (!UNDECIDED_FORMATS.has(name) && !node.assertsFormat) return text.EVERY_STRING;
    const where = keyword(node, "format");
    throw new ConstraintError("constraint/unsupported", `${where.subject}: the format '${name}' at '${where.pointer}' cannot be compiled`, {
      pointer: where.pointer,
      hint: "use a `pattern`, or compile with formats as annotations",
    });
  }

  #copyable(node: SchemaNode): Copyable {
    if (this.#options.copyable) return this.#options.copyable;
    const where = keyword(node, "copyFrom");
    throw new ConstraintError("constraint/unsupported", `${where.subject}: there is no conversation to copy from at '${where.pointer}'`, {
      pointer: where.pointer,
      hint: "give the conversation to the compiler, or leave `copyFrom` out",
    });
  }

  #arrays(node: SchemaNode): Formula[] {
    const { formulas } = this;
    const prefix = node.prefixItems ?? [];
    const parts = prefix.map((schema, index) => formulas.item(index, formulas.schema(schema)));
    if (node.items) parts.push(formulas.items(prefix.length, formulas.schema(node.items)));
    if (node.contains)
      parts.push(formulas.contains(0, formulas.schema(node.contains), node.minContains ?? 1, node.maxContains ?? Infinity));
    if (node.minItems !== undefined || node.maxItems !== undefined)
      parts.push(formulas.length(node.minItems ?? 0, node.maxItems ?? Infinity));
    if (node.uniqueItems) parts.push(formulas.unique(true));
    return parts;
  }

  #objects(node: SchemaNode): Formula[] {
    const { formulas } = this;
    const { where } = node;
    const parts: Formula[] = [];
    for (const [name, schema] of node.properties ?? []) parts.push(formulas.each(these([name]), formulas.declared(schema)));
    for (const [source, schema] of node.patternProperties ?? [])
      parts.push(formulas.each(matching(pattern(source, keyword(node, "patternProperties"))), formulas.schema(schema)));
    if (node.additionalProperties)
      parts.push(formulas.each(complementOf(this.#ownNames(node), where), formulas.schema(node.additionalProperties)));
    if (node.propertyNames) {
      const names = this.#stringsOf(formulas.schema(node.propertyNames));
      parts.push(formulas.each(complementOf(matching(names), where), formulas.nothing));
    }
    for (const name of node.required ?? []) parts.push(this.present(name));
    if (node.minProperties !== undefined || node.maxProperties !== undefined)
      parts.push(formulas.count(node.minProperties ?? 0, node.maxProperties ?? Infinity));
    for (const [name, needed] of node.dependentRequired ?? [])
      parts.push(formulas.any([this.#absent(name), formulas.all(needed.map((other) => this.present(other)))]));
    return parts;
  }
}

/** Draft-07 lets content be asserted: base64 is. */
function encoded(node: SchemaNode, encoding: string): Language {
  const language = encoding.toLowerCase() === "base64" ? format("byte") : undefined;
  if (!language) throw unsupported(node, "contentEncoding", encoding);
  return language;
}

function unsupported(node: SchemaNode, name: string, value: string): ConstraintError {
  const { subject, pointer } = keyword(node, name);
  return new ConstraintError("constraint/unsupported", `${subject}: the ${name} '${value}' at '${pointer}' cannot be compiled`, {
    pointer,
    hint: `leave \`${name}\` out, or use draft 2020-12, in which it is a remark`,
  });
}

/** A keyword of a node. */
function keyword({ where: { subject, pointer } }: SchemaNode, name: string): Where {
  return { subject, pointer: `${pointer}/${name}` };
}
