/**
 * Number sets for tests, each with the JSON Schema it stands for, and an oracle that shares nothing with the code under test: ajv on
 * the double, and the schema on an exact fraction.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import type { Terminal } from "../part.ts";
import * as sets from "./number-set.ts";
import type { NumberSet } from "./number-set.ts";

export const WHERE = { subject: "test", pointer: "/n" };

export type Schema =
  | { readonly minimum: number }
  | { readonly maximum: number }
  | { readonly exclusiveMinimum: number }
  | { readonly exclusiveMaximum: number }
  | { readonly multipleOf: number }
  | { readonly type: "integer" }
  | { readonly enum: readonly number[] }
  | { readonly allOf: readonly Schema[] }
  | { readonly anyOf: readonly Schema[] }
  | { readonly not: Schema };

export function setOf(schema: Schema): NumberSet {
  if ("minimum" in schema) return sets.atLeast(schema.minimum, false);
  if ("maximum" in schema) return sets.atMost(schema.maximum, false);
  if ("exclusiveMinimum" in schema) return sets.atLeast(schema.exclusiveMinimum, true);
  if ("exclusiveMaximum" in schema) return sets.atMost(schema.exclusiveMaximum, true);
  if ("multipleOf" in schema) return sets.multipleOf(schema.multipleOf);
  if ("type" in schema) return sets.INTEGERS;
  if ("enum" in schema) return sets.numbers(schema.enum);
  if ("allOf" in schema) return sets.intersection(schema.allOf.map(setOf), WHERE);
  if ("anyOf" in schema) return sets.union(schema.anyOf.map(setOf), WHERE);
  return sets.complement(setOf(schema.not), WHERE);
}

/** An exact number: numerator / 10^places. */
interface Fraction {
  readonly numerator: bigint;
  readonly places: number;
}

function fraction(text: string): Fraction {
  const [, minus = "", whole = "", after = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text)!;
  const places = after.length - Number(exponent);
  const digits = BigInt(`${minus}${whole}${after}`);
  return places >= 0 ? { numerator: digits, places } : { numerator: digits * 10n ** BigInt(-places), places: 0 };
}

/** Both numerators over one denominator. */
function shared(a: Fraction, b: Fraction): [bigint, bigint] {
  const places = Math.max(a.places, b.places);
  const scale = ({ numerator, places: own }: Fraction) => numerator * 10n ** BigInt(places - own);
  return [scale(a), scale(b)];
}

const fractions = new Map<number, Fraction>();
function fractionOf(value: number): Fraction {
  let known = fractions.get(value);
  if (!known) fractions.set(value, (known = fraction(JSON.stringify(value))));
  return known;
}

/** The standard's verdict on an exact number. */
function exact(schema: Schema, value: Fraction): boolean {
  const against = (bound: number, test: (a: bigint, b: bigint) => boolean) => test(...shared(value, fractionOf(bound)));
  if ("minimum" in schema) return against(schema.minimum, (a, b) => a >= b);
  if ("maximum" in schema) return against(schema.maximum, (a, b) => a <= b);
  if ("exclusiveMinimum" in schema) return against(schema.exclusiveMinimum, (a, b) => a > b);
  if ("exclusiveMaximum" in schema) return against(schema.exclusiveMaximum, (a, b) => a < b);
  if ("multipleOf" in schema) return against(schema.multipleOf, (a, b) => a % b === 0n);
  if ("type" in schema) return against(1, (a, b) => a % b === 0n);
  if ("enum" in schema) return schema.enum.some((one) => against(one, (a, b) => a === b));
  if ("allOf" in schema) return schema.allOf.every((one) => exact(one, value));
  if ("anyOf" in schema) return schema.anyOf.some((one) => exact(one, value));
  return !exact(schema.not, value);
}

const ajv = new Ajv2020({ strict: false });

/** Is this spelling a number that both the standard and ajv accept? */
export function oracle(schema: Schema): (text: string) => boolean {
  const validate = ajv.compile(schema);
  return (text) => {
    const value = JSON.parse(text) as number;
    const { numerator, places } = fraction(text);
    return Number.isFinite(value) && (value === 0) === (numerator === 0n) && exact(schema, { numerator, places }) && validate(value);
  };
}

/** The state after `text`, or −1. */
export function read(terminal: Terminal, text: string): number {
  let state = terminal.start;
  for (const byte of Buffer.from(text)) {
    if (state >= 0) state = terminal.step(state, byte);
  }
  return state;
}

export function accepts(terminal: Terminal, text: string): boolean {
  const state = read(terminal, text);
  return state >= 0 && terminal.accepts(state);
}

/** Spells a number, byte by byte as the choices say. Throws where no byte may follow and none was accepted. */
export function walk(terminal: Terminal, choices: Iterable<number>): string {
  let state = terminal.start;
  let text = "";
  for (const choice of choices) {
    if (terminal.accepts(state) && (terminal.ends(state) || choice % 4 === 0)) return text;
    const bytes = [..."0123456789-.e+"].filter((byte) => terminal.step(state, byte.charCodeAt(0)) >= 0);
    if (bytes.length === 0) throw new Error(`nothing can follow '${text}'`);
    const byte = bytes[(choice >> 2) % bytes.length]!;
    if (terminal.only(state) >= 0 !== (bytes.length === 1)) throw new Error(`only() is wrong after '${text}'`);
    state = terminal.step(state, byte.charCodeAt(0));
    text += byte;
  }
  throw new Error(`no end after '${text}'`);
}

/** Combinations of the given atoms. */
export function combinations(atom: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const { schema } = fc.letrec<{ schema: Schema }>((tie) => {
    const some = fc.array(tie("schema"), { minLength: 1, maxLength: 3 });
    return {
      schema: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        atom,
        some.map((allOf) => ({ allOf })),
        some.map((anyOf) => ({ anyOf })),
        tie("schema").map((not) => ({ not })),
      ),
    };
  });
  return schema;
}

export function bounds(value: fc.Arbitrary<number>): fc.Arbitrary<Schema> {
  return fc.oneof(
    value.map((minimum) => ({ minimum })),
    value.map((maximum) => ({ maximum })),
    value.map((exclusiveMinimum) => ({ exclusiveMinimum })),
    value.map((exclusiveMaximum) => ({ exclusiveMaximum })),
  );
}

export function lists(value: fc.Arbitrary<number>): fc.Arbitrary<Schema> {
  return fc.array(value, { minLength: 1, maxLength: 4 }).map((list) => ({ enum: [...new Set(list.map((one) => one || 0))] }));
}
