/**
 * A regular expression as a language: the strings in which it finds a match, as ajv reads `pattern`. In: a source. Out: a language.
 * Law: equal to `new RegExp(source, "u").test`, or an error: what is not regular is refused, what grows too large as well.
 */
import { ConstraintError } from "../../../errors.ts";
import type { Where } from "../../where.ts";
import { ALL } from "../code-points.ts";
import { counted } from "../counted.ts";
import { complementOf, Dfa, dfaOf } from "../dfa.ts";
import { keyOf } from "../key.ts";
import type { Language } from "../language.ts";
import { nfaOf, type Look } from "./nfa.ts";
import { subsetTable, type Side } from "./subset.ts";
import { parsePattern, type PatternNode } from "./syntax.ts";

/** States of all automata that one pattern is made of, before they are made deterministic. */
const MAX_PLACES = 150_000;
/** Steps of the subset construction. */
const MAX_WORK = 2_000_000;
/** Repetitions of one character that are counted instead of unrolled, from here on. */
const COUNTED = 64;

const ANYTHING: PatternNode = { kind: "repeat", body: { kind: "set", set: ALL }, min: 0, max: Infinity };
const END: PatternNode = { kind: "assertion", assertion: "end" };

/**
 * The strings that the pattern matches somewhere.
 * @throws ConstraintError constraint/bad-schema, constraint/unsupported (references to groups, modifiers, conditions inside of lookbehinds
 * and lookbehinds inside of lookaheads), constraint/too-large
 */
export function pattern(source: string, where: Where): Language {
  const node = parsePattern(source, where);
  const compiler = new PatternCompiler(where);
  const run = characterRun(node);
  if (!run) return compiler.search(keyOf("pattern", [source]), node);
  const loop: PatternNode = { ...run, min: 0, max: Infinity };
  const any = compiler.search(keyOf("run", [run.set.join()]), { kind: "sequence", parts: [START, loop, END] });
  return counted(any, run, where);
}

const START: PatternNode = { kind: "assertion", assertion: "start" };

/** `^x{m,n}$`, where x is one character and n is large: counted, not unrolled. */
function characterRun(node: PatternNode) {
  if (node.kind !== "sequence" || node.parts.length !== 3) return undefined;
  const [first, run, last] = node.parts as readonly [PatternNode, PatternNode, PatternNode];
  if (first.kind !== "assertion" || first.assertion !== "start" || last.kind !== "assertion" || last.assertion !== "end") return undefined;
  if (run.kind !== "repeat" || run.body.kind !== "set") return undefined;
  const largest = run.max === Infinity ? run.min : run.max;
  return largest >= COUNTED ? { ...run, set: run.body.set } : undefined;
}

class PatternCompiler {
  readonly #where: Where;
  #places = 0;
  #work = 0;

  constructor(where: Where) {
    this.#where = where;
  }

  /** All texts with a match somewhere. */
  search(key: string, node: PatternNode): Dfa {
    return this.#compile(key, anywhere(node), "edge");
  }

  #compile(key: string, node: PatternNode, before: Side): Dfa {
    const nfa = nfaOf(node, () => {
      if (++this.#places > MAX_PLACES) this.#tooLarge(`${MAX_PLACES} places`);
    });
    const around = {
      ahead: nfa.looks.map((look) => (look.behind ? undefined : this.#ahead(look))),
      behind: nfa.looks.map((look) => (look.behind ? { dfa: this.#behind(look), negative: look.negative } : undefined)),
    };
    const table = subsetTable(nfa, around, before, (work) => {
      this.#work += work;
      if (this.#work > MAX_WORK) this.#tooLarge(`${MAX_WORK} steps`);
    });
    return dfaOf(key, table);
  }

  /** What must follow: a text that begins with a match, or with none. */
  #ahead({ body, negative }: Look): Readonly<Record<Side, Dfa>> {
    if (contains(body, (node) => node.kind === "look" && node.behind)) this.#refuse("a lookbehind inside of a lookahead");
    const after = (before: Side) => {
      const dfa = this.#compile("ahead", body, before);
      return negative ? complementOf(dfa) : dfa;
    };
    const other = after("other");
    if (!contains(body, (node) => node.kind === "assertion" && node.assertion !== "end")) return { edge: other, word: other, other };
    return { edge: after("edge"), word: after("word"), other };
  }

  /** What may stand before: a text that ends with a match. */
  #behind({ body }: Look): Dfa {
    if (contains(body, (node) => node.kind === "look" || (node.kind === "assertion" && node.assertion !== "start")))
      this.#refuse("a condition inside of a lookbehind");
    return this.search("behind", { kind: "sequence", parts: [body, END] });
  }

  #refuse(what: string): never {
    const { subject, pointer } = this.#where;
    throw new ConstraintError("constraint/unsupported", `${subject}: ${what} in the pattern at '${pointer}' is not compiled`, {
      pointer,
      hint: "write the condition as a pattern of its own, in `allOf` or `not`",
    });
  }

  #tooLarge(what: string): never {
    const { subject, pointer } = this.#where;
    throw new ConstraintError("constraint/too-large", `${subject}: the pattern at '${pointer}' needs more than ${what}`, {
      pointer,
      hint: "lower its counts, or write lengths as `minLength` and `maxLength`",
    });
  }
}

/** The pattern behind any text; where it can only match at the start, as it is. */
function anywhere(node: PatternNode): PatternNode {
  if (node.kind === "choice") {
    const anchored = node.options.filter(isAnchored);
    const others = node.options.filter((option) => !isAnchored(option));
    if (others.length === 0) return node;
    return { kind: "choice", options: [...anchored, { kind: "sequence", parts: [ANYTHING, { kind: "choice", options: others }] }] };
  }
  return isAnchored(node) ? node : { kind: "sequence", parts: [ANYTHING, node] };
}

function isAnchored(node: PatternNode): boolean {
  if (node.kind === "sequence") return node.parts.some(isAnchored);
  if (node.kind === "choice") return node.options.every(isAnchored);
  return node.kind === "assertion" && node.assertion === "start";
}

function contains(node: PatternNode, wanted: (node: PatternNode) => boolean): boolean {
  if (wanted(node)) return true;
  if (node.kind === "sequence") return node.parts.some((part) => contains(part, wanted));
  if (node.kind === "choice") return node.options.some((option) => contains(option, wanted));
  return (node.kind === "repeat" || node.kind === "look") && contains(node.body, wanted);
}
