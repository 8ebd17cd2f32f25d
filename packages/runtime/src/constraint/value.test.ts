import type { Json } from "@orrery/chat";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { ConstraintError } from "../errors.ts";
import { createRandom, type Random } from "../sampling/random.ts";
import { Automaton, type Node } from "./automaton.ts";
import { valid } from "./document/evaluate.test.support.ts";
import { openSchema } from "./document/open.ts";
import { JSON_SURFACE } from "./json.ts";
import { valuePart, type ValueOptions } from "./value.ts";
import { schema as anySchema, value as anyValue } from "./wild-schemas.test.support.ts";

/** In all; npm run nightly tries 1,000. */
const SCHEMAS = Number(process.env.PROPERTY_SCHEMAS ?? 200);

const LIBRARY: ValueOptions = {
  subject: "the schema",
  surface: JSON_SURFACE,
  order: "any",
  undeclared: "allowed",
  exponent: true,
  formats: "annotate",
};

/** The automaton; "empty" for a schema without values; undefined for one that cannot be compiled. */
function automatonOf(schema: unknown, options: Partial<ValueOptions> = {}): Automaton | "empty" | undefined {
  try {
    return new Automaton(valuePart(schema, { ...LIBRARY, ...options }));
  } catch (thrown) {
    if (!(thrown instanceof ConstraintError)) throw thrown;
    return thrown.code === "constraint/unsatisfiable" ? "empty" : undefined;
  }
}

function accepts(automaton: Automaton | "empty", value: Json): boolean {
  return automaton !== "empty" && (automaton.run(automaton.start, Buffer.from(JSON.stringify(value)))?.done ?? false);
}

/** One for all: most of ajv's time is its own metaschema. */
const AJV = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false });

/**
 * What ajv throws where the code that it makes for `unevaluatedProperties` and `unevaluatedItems` reads what a branch evaluated before any
 * branch has said so, or after the only one that would have is not run: its variables `props0`, `items0`, … are not declared, or undefined.
 */
const BROKEN = /\b(?:props|items)\d+\b|^Cannot (?:read|set) properties of undefined/;

/** ajv's verdict; true where its own code is broken: then the evaluator judges alone. It can be only in schemas with `unevaluated…`. */
function ajvOf(schema: unknown): (value: Json) => boolean {
  const validate = AJV.compile(schema as object);
  return (value) => {
    try {
      return validate(value);
    } catch (thrown) {
      const broken = thrown instanceof ReferenceError || thrown instanceof TypeError;
      if (broken && BROKEN.test(thrown.message) && /"unevaluated(?:Properties|Items)":/.test(JSON.stringify(schema))) return true;
      throw thrown;
    }
  };
}

/** Writes a value byte by byte; bytes that end something are preferred after a while. Undefined when chance finds no end. */
function write(automaton: Automaton, random: Random): string | undefined {
  const bytes: number[] = [];
  let node: Node = automaton.start;
  for (;;) {
    const long = bytes.length > 60;
    if (node.done && (long || node.tops.length === 0 || random() < 0.3)) return Buffer.from(bytes).toString();
    if (bytes.length > 1_000) return undefined; // chance has not met what the array or object still owes
    const ending = long || random() < 0.4 ? [...'"]}'].map((one) => one.charCodeAt(0)) : [];
    const offset = Math.floor(random() * 256);
    const others = Array.from({ length: 256 }, (_, i) => (offset + 37 * i) % 256);
    let byte = -1;
    let after: Node | null = null;
    for (const one of [...ending, ...others]) {
      after = automaton.step(node, (byte = one));
      if (after) break;
    }
    if (!after) throw new Error(`nothing can follow ${Buffer.from(bytes).toString()}`);
    bytes.push(byte);
    node = after;
  }
}

describe("random schemas of every applicator", () => {
  test("a value is accepted exactly when it is valid", () => {
    let compiled = 0;
    let judged = 0;
    let disputed = 0;
    fc.assert(
      fc.property(anySchema, fc.array(anyValue, { minLength: 20, maxLength: 20 }), (schema, values) => {
        const automaton = automatonOf(schema);
        if (automaton === undefined) return;
        compiled++;
        const node = openSchema(schema, { subject: "the schema" });
        const ajv = ajvOf(schema);
        for (const value of values) {
          const expected = valid(node, value);
          judged++;
          if (ajv(value) !== expected) disputed++;
          expect([value, accepts(automaton, value)]).toEqual([value, expected]);
        }
      }),
      { numRuns: SCHEMAS },
    );
    expect(compiled).toBeGreaterThan(0.93 * SCHEMAS);
    // The evaluator passes the public suite; ajv does not count items of `items: {}` as evaluated, for one.
    expect(disputed).toBeLessThan(judged / 200);
  });

  test("what is written byte by byte never comes to a dead end, and ajv accepts it", () => {
    let ended = 0;
    fc.assert(
      fc.property(anySchema, fc.integer(), (schema, seed) => {
        const automaton = automatonOf(schema);
        if (automaton === undefined || automaton === "empty") return;
        const random = createRandom(seed);
        const node = openSchema(schema, { subject: "the schema" });
        const ajv = ajvOf(schema);
        for (let i = 0; i < 3; i++) {
          const text = write(automaton, random);
          if (text === undefined) continue;
          ended++;
          const value = JSON.parse(text) as Json;
          expect([text, ajv(value) || valid(node, value)]).toEqual([text, true]);
        }
      }),
      { numRuns: SCHEMAS },
    );
    expect(ended).toBeGreaterThan(1.5 * SCHEMAS);
  });
});
