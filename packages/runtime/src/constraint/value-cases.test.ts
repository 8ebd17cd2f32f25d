import type { Json } from "@orrery/chat";
import type { ConstraintError } from "../errors.ts";
import { Automaton } from "./automaton.ts";
import { valid } from "./document/evaluate.test.support.ts";
import { openSchema } from "./document/open.ts";
import { JSON_SURFACE } from "./json.ts";
import { nativeSurface } from "./native.ts";
import { bytes } from "./surface.ts";
import { valuePart, type ValueOptions } from "./value.ts";

function automatonOf(schema: unknown, options: Partial<ValueOptions> = {}): Automaton {
  const defaults = {
    subject: "s",
    surface: JSON_SURFACE,
    order: "any",
    undeclared: "allowed",
    exponent: true,
    formats: "annotate",
  } as const;
  return new Automaton(valuePart(schema, { ...defaults, ...options }));
}

function accepts(automaton: Automaton, value: Json): boolean {
  return automaton.run(automaton.start, Buffer.from(JSON.stringify(value)))?.done ?? false;
}

function codeOf(schema: unknown): string {
  try {
    automatonOf(schema);
    return "compiled";
  } catch (thrown) {
    return (thrown as ConstraintError).code;
  }
}

const NODE = (properties: object, required: readonly string[]) => ({ type: "object", properties, required });

/** Each schema, and values on both sides of it. */
const CASES: readonly (readonly [name: string, schema: Json, values: readonly Json[]])[] = [
  ["a negated lower bound has no upper one", { type: "array", items: { type: "number" }, not: { minItems: 2 } }, [[], [1], [1, 2], ["a"]]],
  ["a negated contains has none either", { not: { contains: { const: 1 }, minContains: 2 } }, [[], [1], [1, 1], [1, 1, 2], 3]],
  [
    "dependentSchemas evaluates nothing of an array",
    { dependentSchemas: { a: { unevaluatedItems: true, prefixItems: [true] } }, unevaluatedItems: { type: "integer" } },
    [[], [1], ["x"], [1, "x"], { a: 1 }],
  ],
  ["negated minProperties", { type: "object", not: { minProperties: 1 } }, [{}, { a: 1 }]],
  [
    "different items, and not this array",
    { type: "array", uniqueItems: true, minItems: 2, items: { enum: [1, 2] }, not: { const: [1, 2] } },
    [[1, 2], [2, 1], [1], [2, 1, 1]],
  ],
  [
    "different items, of which two are counted",
    {
      type: "array",
      uniqueItems: true,
      minItems: 3,
      maxItems: 4,
      contains: { enum: [1, 2] },
      minContains: 2,
      items: { enum: [1, 2, 3, 4] },
    },
    [
      [1, 2, 3],
      [3, 4, 1],
      [1, 2],
      [4, 3, 2, 1],
      [1, 1, 2],
    ],
  ],
  [
    "equal however spelt",
    { type: "array", uniqueItems: true },
    [
      [0, -0],
      [
        { a: 1, b: [2] },
        { b: [2], a: 1 },
      ],
      [1, "1"],
      [[], {}],
    ],
  ],
  [
    "branches of oneOf that contain the schema",
    {
      $ref: "#/$defs/t",
      $defs: {
        t: {
          oneOf: [
            NODE({ x: { $ref: "#/$defs/t" } }, ["x"]),
            NODE({ x: { $ref: "#/$defs/t" }, y: { type: "number" } }, ["x", "y"]),
            { type: "number" },
          ],
        },
      },
    } as Json,
    [1, { x: 1 }, { x: { x: 2 } }, { x: 1, y: 2 }, { x: { x: 1, y: 2 } }, {}],
  ],
  [
    "recursive items that differ",
    {
      type: "array",
      uniqueItems: true,
      minItems: 2,
      items: { $ref: "#/$defs/t" },
      $defs: { t: { type: "object", additionalProperties: false, properties: { child: { $ref: "#/$defs/t" } } } },
    },
    [[{}, { child: {} }], [{}, {}], [{}], [{ child: { child: {} } }, {}]],
  ],
];

describe("values on both sides of a schema", () => {
  test.each(CASES)("%s", (_, schema, values) => {
    const node = openSchema(schema, { subject: "s" });
    const automaton = automatonOf(schema);
    const expected = values.map((value) => valid(node, value));
    expect(new Set(expected).size).toBe(2);
    expect(values.map((value) => accepts(automaton, value))).toEqual(expected);
  });
});

test("an item that another place cannot do without is not taken from it", () => {
  const automaton = automatonOf({ type: "array", minItems: 2, uniqueItems: true, prefixItems: [{ enum: [1, 2] }, { const: 1 }] });
  expect(automaton.run(automaton.start, Buffer.from("[1"))).toBeNull();
  expect(accepts(automaton, [2, 1])).toBe(true);
});

test("a property that may be anything is declared; what additionalProperties allows is not", () => {
  const undeclared = { undeclared: "never" } as const;
  for (const any of [true, {}, { description: "anything" }]) {
    expect(accepts(automatonOf({ type: "object", properties: { a: any } }, undeclared), { a: [1] })).toBe(true);
    expect(accepts(automatonOf({ type: "object", additionalProperties: any }, undeclared), { a: [1] })).toBe(false);
  }
});

describe("what could go on for ever is an answer or an error", () => {
  test("large bounds", () => {
    expect(codeOf({ type: "array", minItems: 1e9, items: { type: "number" } })).toBe("compiled");
    expect(codeOf({ type: "array", minItems: 1e9, items: false })).toBe("constraint/unsatisfiable");
    expect(codeOf({ type: "array", minItems: 1e9, uniqueItems: true })).toBe("constraint/too-large");
  });

  test("references that lead too deep", () => {
    const link = (i: number) => NODE({ a: { $ref: `#/$defs/n${i + 1}` } }, ["a"]);
    const $defs = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`n${i}`, link(i)]));
    expect(codeOf({ $ref: "#/$defs/n0", $defs: { ...$defs, n5000: { type: "number" } } })).toBe("constraint/too-deep");
  });

  test("schemas met on many ways beside unevaluatedProperties", () => {
    const twice = (i: number) => ({ allOf: [{ $ref: `#/$defs/n${i + 1}` }, { $ref: `#/$defs/n${i + 1}` }] });
    const $defs = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`n${i}`, twice(i)]));
    const schema = {
      $ref: "#/$defs/n0",
      unevaluatedProperties: false,
      $defs: { ...$defs, n30: { properties: { a: { type: "number" } } } },
    };
    const automaton = automatonOf(schema);
    expect([{ a: 1 }, { a: "1" }, { b: 1 }].map((value) => accepts(automaton, value))).toEqual([true, false, false]);
  });

  test("a schema whose values must be counted to know which there are", () => {
    const schema = {
      $ref: "#/$defs/t",
      $defs: { t: { type: "array", uniqueItems: true, minItems: 2, items: { anyOf: [{ $ref: "#/$defs/t" }, { const: 1 }] } } },
    };
    expect(codeOf(schema)).toBe("constraint/unsupported");
  });
});

describe("the call syntax", () => {
  const QUOTE = 7;
  const surface = nativeSurface(QUOTE);

  test("names that it cannot spell are none that an object may still have", () => {
    const schema = { type: "object", patternProperties: { "^:": { type: "number" } }, additionalProperties: false };
    expect(automatonOf(schema, { surface }).run).toBeDefined();
    expect(() => automatonOf({ ...schema, minProperties: 1 }, { surface })).toThrow("no value satisfies");
  });

  test("reads strings as they are written, whatever is in them", () => {
    const quote = 0x100 + QUOTE;
    for (const text of ["\ufeffa", "{a:1,b:2}", ',c:"', "a\\b\n", ""])
      expect(surface.read([...bytes("{a key#1:["), quote, ...bytes(text), quote, ...bytes(",-1.5],b:{c:null}}")])).toEqual({
        "a key#1": [text, -1.5],
        b: { c: null },
      });
  });
});
