/**
 * unevaluatedItems and unevaluatedProperties. In: a node that has one. Out: what it says, beside what the node says anyway. Law: an item
 * or property is judged by it unless a schema that evaluates it holds, so every set of names that are evaluated alike is a choice:
 * one of the schemas that evaluate them holds, or each of them is judged. Nothing is multiplied out.
 */
import { ConstraintError } from "../../errors.ts";
import type { SchemaNode } from "../document/node.ts";
import type { Formula } from "./formula.ts";
import { EVERY_NAME, matching, splitBy, these, type NameSet } from "./names.ts";
import type { Translation } from "./translate.ts";

/** What is evaluated when the condition holds. */
interface Evaluation {
  readonly condition: Formula;
  readonly names: NameSet;
  /** Items before this index; Infinity: all. */
  readonly items: number;
  /** Items that satisfy this. */
  readonly contained: Formula | undefined;
}

/** Schemas that judge the value of one node, each under its conditions. */
const MAX_EVALUATIONS = 1_024;
/** Conditional `contains`, of which each set is a choice. */
const MAX_CONTAINED = 6;

export function unevaluated(translation: Translation, node: SchemaNode): Formula {
  const { formulas } = translation;
  const { unevaluatedProperties, unevaluatedItems } = node;
  const evaluations = new Evaluations(translation, node).found;
  const parts: Formula[] = [];
  if (unevaluatedProperties) parts.push(...properties(translation, node, formulas.schema(unevaluatedProperties), evaluations));
  if (unevaluatedItems) parts.push(items(translation, node, formulas.schema(unevaluatedItems), evaluations));
  return formulas.all(parts);
}

function properties({ formulas }: Translation, { where }: SchemaNode, judged: Formula, evaluations: readonly Evaluation[]): Formula[] {
  const rules = evaluations.map(({ names }) => names);
  return splitBy(rules, where).map(({ names, within }) =>
    formulas.any([formulas.each(names, judged), ...within.map((index) => evaluations[index]!.condition)]),
  );
}

function items({ formulas }: Translation, node: SchemaNode, judged: Formula, evaluations: readonly Evaluation[]): Formula {
  const contains = evaluations.filter(({ contained }) => contained);
  if (contains.length > MAX_CONTAINED) tooMany(node, "contains");
  const before = evaluations.filter(({ items }) => items > 0);
  const bounds = [...new Set([0, ...before.map(({ items }) => items)])].filter((bound) => bound !== Infinity).sort((a, b) => a - b);
  // Which of the conditional `contains` hold is chosen; one that holds and is not chosen only excuses less.
  const choices = Array.from({ length: 2 ** contains.length }, (_, bits) => contains.filter((_, i) => bits & (1 << i)));
  return formulas.any(
    choices.map((chosen) => {
      const item = formulas.any([judged, ...chosen.map(({ contained }) => contained!)]);
      const ranges = bounds.map((bound, i) => {
        const end = bounds[i + 1] ?? Infinity;
        const each = end === Infinity ? [formulas.items(bound, item)] : range(bound, end).map((index) => formulas.item(index, item));
        return formulas.any([formulas.all(each), ...before.filter(({ items }) => items > bound).map(({ condition }) => condition)]);
      });
      return formulas.all([...chosen.map(({ condition }) => condition), ...ranges]);
    }),
  );
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** Everything below a node that evaluates items and properties of the same value. */
class Evaluations {
  readonly #translation: Translation;
  readonly #root: SchemaNode;
  readonly found: Evaluation[] = [];
  #count = 0;
  readonly #seen = new Map<SchemaNode, Set<Formula>>();

  constructor(translation: Translation, root: SchemaNode) {
    this.#translation = translation;
    this.#root = root;
    this.#collect(root, translation.formulas.everything);
  }

  /** @param condition Holds only if the node holds; the node itself is known to hold then. */
  #collect(node: SchemaNode, condition: Formula): void {
    const { formulas } = this.#translation;
    const seen = this.#seen.get(node) ?? new Set();
    if (seen.has(condition)) return;
    if (++this.#count > MAX_EVALUATIONS) tooMany(this.#root, "schemas");
    this.#seen.set(node, seen.add(condition));
    this.#own(node, condition);
    const given = (schema: SchemaNode, ...more: Formula[]) => this.#collect(schema, formulas.all([condition, ...more]));
    for (const schema of [...(node.allOf ?? []), ...this.#translation.targets(node)]) given(schema);
    for (const schema of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) given(schema, formulas.schema(schema));
    if (node.if) {
      const [held, failed] = [formulas.schema(node.if), formulas.schema(node.if, true)];
      given(node.if, held);
      if (node.then) given(node.then, held);
      if (node.else) given(node.else, failed);
    }
    for (const [name, schema] of node.dependentSchemas ?? []) given(schema, formulas.kinds("object"), this.#translation.present(name));
  }

  /** What the node's own keywords evaluate. */
  #own(node: SchemaNode, condition: Formula): void {
    const isRoot = node === this.#root;
    const every = node.additionalProperties || (node.unevaluatedProperties && !isRoot);
    const listed = every ? EVERY_NAME : these(node.properties?.keys() ?? []);
    const all = node.items || (node.unevaluatedItems && !isRoot);
    const items = all ? Infinity : (node.prefixItems?.length ?? 0);
    const contained = node.contains && this.#translation.formulas.schema(node.contains);
    this.#add({ condition, names: listed, items, contained }, listed.kind !== "these" || listed.names.size > 0 || items > 0 || !!contained);
    if (every) return;
    for (const language of this.#translation.patternsOf(node))
      this.#add({ condition, names: matching(language), items: 0, contained: undefined }, true);
  }

  #add(evaluation: Evaluation, evaluates: boolean): void {
    if (!evaluates) return;
    this.found.push(evaluation);
  }
}

function tooMany({ where: { subject, pointer } }: SchemaNode, what: string): never {
  throw new ConstraintError("constraint/too-large", `${subject}: too many ${what} beside the unevaluated… keywords at '${pointer}'`, {
    pointer,
    hint: "use fewer branches beside unevaluatedProperties or unevaluatedItems",
  });
}
