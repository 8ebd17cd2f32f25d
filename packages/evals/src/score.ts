/**
 * Scores one reply against the reference turn. Law: values are compared, not spellings; the order of parallel calls does not matter;
 * a number in an answer counts when the same value occurs, however it is written.
 */
import type { Json, JsonObject, Reply } from "@orrery/chat";
import type { GoldTurn } from "./conversation.ts";

/** Each field is undefined where it does not apply to the turn. */
export interface TurnScore {
  /** The reply ended by itself, as an answer or as calls. */
  readonly wellFormed: boolean;
  /** A call where the reference called, an answer where it answered. */
  readonly decision: boolean;
  /** The names of the calls, as a multiset. Only where the reference called. */
  readonly name: boolean | undefined;
  /** Names and arguments. Only where the reference called. */
  readonly exact: boolean | undefined;
  /**
   * Every text that the reference copied from the conversation into an argument is an argument of the reply, whatever else is wrong. Only
   * where the reference called and copied.
   */
  readonly copied: boolean | undefined;
  /** The answer holds every number of the reference answer. Only where the reference answered with numbers. */
  readonly numbers: boolean | undefined;
}

/** A spelling of a JSON value that is equal for equal values: keys sorted, numbers by value. */
export function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map((v: Json) => canonical(v)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const object = value as JsonObject;
    return `{${Object.keys(object)
      .toSorted()
      .filter((key) => object[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`)
      .join(",")}}`;
  }
  return JSON.stringify(value ?? null);
}

/** A minus belongs to the number unless a letter or digit stands before it (`2026-03-03`); a comma does where three digits follow. */
const NUMBER = /(?<sign>(?<!\w)[-−])?(?<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?<fraction>\.\d+)?/g;

function numbersOf(text: string): Set<number> {
  const values = [...text.matchAll(NUMBER)].map(({ groups }) => {
    const size = Number(`${groups!["digits"]!.replaceAll(",", "")}${groups!["fraction"] ?? ""}`);
    return groups!["sign"] === undefined ? size : 0 - size;
  });
  return new Set(values.filter(Number.isFinite));
}

const sameBag = (a: readonly string[], b: readonly string[]): boolean => a.toSorted().join("\n") === b.toSorted().join("\n");

/** Whether two lists of calls are the same, whatever their order. */
export function sameCalls(a: readonly CallValue[], b: readonly CallValue[]): boolean {
  const spell = (c: CallValue): string => `${c.name} ${canonical(c.input)}`;
  return sameBag(a.map(spell), b.map(spell));
}

interface CallValue {
  readonly name: string;
  readonly input: JsonObject;
}

function textsOf(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap((item) => textsOf(item as Json)) : [];
}

function copiedExactly(calls: readonly CallValue[], { calls: wanted, history }: GoldTurn): boolean | undefined {
  const passages = history.flatMap((message) => (message.role === "tool" ? textsOf(message.output) : [message.content ?? ""]));
  const copied = wanted.flatMap(({ input }) => textsOf(input)).filter((text) => passages.some((passage) => passage.includes(text)));
  if (copied.length === 0) return undefined;
  const written = new Set(calls.flatMap(({ input }) => textsOf(input)));
  return copied.every((text) => written.has(text));
}

export function scoreTurn(reply: Reply, gold: GoldTurn): TurnScore {
  const calls = reply.message.calls ?? [];
  const goldNumbers = numbersOf(gold.text);
  const called = gold.calls.length > 0;
  const said = numbersOf(reply.message.content ?? "");
  return {
    wellFormed: reply.finish.reason === "stop" || reply.finish.reason === "tool-calls",
    decision: calls.length > 0 === called,
    name: called
      ? sameBag(
          calls.map((c) => c.name),
          gold.calls.map((c) => c.name),
        )
      : undefined,
    exact: called ? sameCalls(calls, gold.calls) : undefined,
    copied: copiedExactly(calls, gold),
    numbers: !called && goldNumbers.size > 0 ? [...goldNumbers].every((n) => said.has(n)) : undefined,
  };
}
