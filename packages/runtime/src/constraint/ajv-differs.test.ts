/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
/**
 * Where the engine and ajv differ, what the specification says. Random schemas with `unevaluated…` differ in these classes alone: in each
 * ajv is wrong, so that what it refuses there may be in a mask. When ajv mends one, its row fails and goes.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { Automaton } from "./automaton.ts";
import { valid } from "./document/evaluate.test.support.ts";
import { openSchema } from "./document/open.ts";
import { JSON_SURFACE } from "./json.ts";
import { valuePart } from "./value.ts";

const SUBJECT = "the schema";

const CASES: readonly (readonly [why: string, schema: object, value: unknown, valid: boolean])[] = [
  // Core 10.3.1.3: at least one item must match, whatever prefixItems says.
  ["contains beside prefixItems finds nothing in an empty array", { prefixItems: [{ type: "string" }], contains: true }, [], false],
  ["nor beneath a not", { not: { prefixItems: [false], contains: true } }, [], true],
  // Core 10.3.1.3: contains evaluates the items that match, and only those; 11.2: unevaluatedItems regards that.
  ["contains evaluates the items that match", { allOf: [{ contains: true, unevaluatedItems: false }] }, [3], true],
  ["contains evaluates no others", { if: true, then: { contains: { const: 1 }, unevaluatedItems: false } }, [1, 2], false],
  // Core 11.2: unevaluatedItems evaluates all that it is applied to.
  ["unevaluatedItems evaluates", { allOf: [{ oneOf: [{ unevaluatedItems: true }] }], unevaluatedItems: false }, [2, null], true],
  // Core 7.7.1.2: a schema that fails, or is not applied, annotates nothing.
  ["an else that is not applied evaluates nothing", { if: true, else: { prefixItems: [{}] }, unevaluatedItems: false }, [2], false],
  [
    "a branch that fails evaluates nothing",
    { oneOf: [{ type: "array", unevaluatedItems: false }, {}], unevaluatedItems: false },
    [1],
    false,
  ],
  [
    "an if that fails evaluates nothing",
    {
      if: { type: "object", $ref: "#/$defs/d" },
      then: false,
      unevaluatedProperties: false,
      $defs: { d: { unevaluatedProperties: false } },
    },
    { a: 1 },
    false,
  ],
  // Core 10.2.2.4: dependentSchemas is about objects.
  [
    "dependentSchemas evaluates nothing of an array",
    { oneOf: [{ dependentSchemas: { aa: { prefixItems: [{}] } } }], unevaluatedItems: false },
    [1],
    false,
  ],
];

test.each(CASES)("%s: ajv says something else", (_, schema, value, expected) => {
  const automaton = new Automaton(
    valuePart(schema, {
      subject: SUBJECT,
      surface: JSON_SURFACE,
      order: "any",
      undeclared: "allowed",
      exponent: true,
      formats: "annotate",
    }),
  );
  expect(automaton.run(automaton.start, Buffer.from(JSON.stringify(value)))?.done ?? false).toBe(expected);
  expect(valid(openSchema(schema, { subject: SUBJECT }), value as never)).toBe(expected);
  expect(new Ajv2020({ strict: false, validateSchema: false }).compile(schema)(value)).toBe(!expected);
});
