/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema */
/**
 * For tests and for bench/hostile-schemas.mjs: schemas that try to take the compiler's time, memory or stack. In: nothing. Out: each
 * attack and how it must end. Law: an attack ends compiled, or as the error that is written beside it.
 */

import {
  type Attack,
  type Schema,
  DEEP,
  times,
  named,
  nested,
  attack,
  compiled,
  tooDeep,
  tooLarge,
  unsupported,
  bad,
  empty,
} from "./attack.test.support.ts";
import { SHAPES } from "./hostile-shapes.test.support.ts";

const DEPTH: readonly Attack[] = [
  tooDeep("10,000 nested properties", () => nested(DEEP, (inner) => ({ type: "object", properties: { a: inner } }))),
  tooDeep("10,000 nested items", () => nested(DEEP, (items) => ({ type: "array", items }))),
  tooDeep("10,000 nested allOf", () => nested(DEEP, (inner) => ({ allOf: [inner] }))),
  tooDeep("10,000 nested anyOf", () => nested(DEEP, (inner) => ({ anyOf: [inner, { type: "null" }] }))),
  tooDeep("10,000 nested not", () => nested(DEEP, (not) => ({ not }))),
  tooDeep("10,000 nested if", () => nested(DEEP, (inner) => ({ if: inner, then: true }))),
  tooDeep("10,000 nested const", () => ({ const: nested(DEEP, (a) => ({ a }), 1) })),
  tooDeep("10,000 nested enum", () => ({ enum: [nested(DEEP, (a) => [a] as never, 1)] })),
  tooDeep("10,000 $ref one after the other", () => ({
    $ref: "#/$defs/p0",
    $defs: named(DEEP, (i) => (i === DEEP - 1 ? { type: "string" } : { $ref: `#/$defs/p${i + 1}` })),
  })),
  tooDeep("‡ 10,000 $ref through properties", () => ({
    $ref: "#/$defs/p0",
    $defs: named(DEEP, (i) =>
      i === DEEP - 1 ? { type: "string" } : { type: "object", properties: { a: { $ref: `#/$defs/p${i + 1}` } }, required: ["a"] },
    ),
  })),
  compiled("200 nested properties", () => nested(200, (inner) => ({ type: "object", properties: { a: inner }, required: ["a"] }))),
  compiled("200 nested items", () => nested(200, (items) => ({ type: "array", items, minItems: 1 }))),
  compiled("200 nested allOf", () => nested(200, (inner, i) => ({ allOf: [inner, { maxLength: 1_000 - i }] }))),
  compiled("200 nested not", () => nested(200, (not) => ({ not }))),
];

const CYCLES: readonly Attack[] = [
  unsupported("$ref to itself", () => ({ $ref: "#" })),
  unsupported("two $ref to each other", () => ({ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } })),
  unsupported("a cycle through allOf", () => ({ allOf: [{ type: "object" }, { $ref: "#" }] })),
  unsupported("a cycle through anyOf", () => ({ anyOf: [{ type: "object" }, { $ref: "#" }] })),
  unsupported("a cycle through oneOf", () => ({ oneOf: [{ type: "object" }, { $ref: "#" }] })),
  unsupported("a cycle through not", () => ({ not: { $ref: "#" } })),
  unsupported("a cycle through if", () => ({ if: { $ref: "#" }, then: { type: "string" } })),
  unsupported("a cycle through then", () => ({ if: { type: "string" }, then: { $ref: "#" } })),
  unsupported("a cycle through dependentSchemas", () => ({ dependentSchemas: { a: { $ref: "#" } } })),
  unsupported("a cycle through propertyNames", () => ({ propertyNames: { $ref: "#" } })),
  unsupported("a cycle beside unevaluatedProperties", () => ({ allOf: [{ $ref: "#" }], unevaluatedProperties: false })),
  empty("an object that must contain itself", () => ({ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] })),
  empty("an array that must contain itself", () => ({ type: "array", items: { $ref: "#" }, minItems: 1 })),
  compiled("an object that may contain itself", () => ({ type: "object", additionalProperties: { $ref: "#" } })),
  unsupported("$dynamicRef to itself", () => ({ $dynamicAnchor: "a", $dynamicRef: "#a" })),
  unsupported("$dynamicRef round two resources", () => ({
    $id: "https://a.example/",
    $dynamicAnchor: "node",
    $ref: "b",
    $defs: { b: { $id: "b", $dynamicAnchor: "node", $dynamicRef: "#node" } },
  })),
  compiled("$dynamicRef through items", () => ({ $dynamicAnchor: "a", type: "array", items: { $dynamicRef: "#a" } })),
  compiled("‡ 1,000 schemas that all refer to each other", () => ({
    $ref: "#/$defs/p0",
    $defs: named(1_000, (i) => ({
      type: "object",
      properties: named(20, (j) => ({ $ref: `#/$defs/p${(i * 31 + j * 17 + 1) % 1_000}` }), "q"),
    })),
  })),
  tooLarge("‡ 20 resources that refer to each other with dynamic anchors", () => ({
    $id: "https://a.example/",
    $ref: "r0",
    $defs: named(
      20,
      (i) => ({
        $id: `r${i}`,
        $dynamicAnchor: `a${i}`,
        type: "array",
        prefixItems: times(20, (j) => ({ $ref: `r${j}` })),
      }),
      "r",
    ),
  })),
];

const WIDTH: readonly Attack[] = [
  compiled("10,000 properties", () => ({ type: "object", properties: named(10_000, () => ({ type: "string" })) })),
  compiled("‡ 10,000 different properties", () => ({
    type: "object",
    properties: named(10_000, (i) => ({ type: "string", maxLength: i + 1 })),
  })),
  compiled("‡ 10,000 properties, closed", () => ({ properties: named(10_000, () => ({ type: "integer" })), additionalProperties: false })),
  compiled("‡ 10,000 required properties", () => ({
    type: "object",
    properties: named(10_000, () => ({ type: "integer" })),
    required: times(10_000, (i) => `p${i}`),
    additionalProperties: false,
  })),
  compiled("‡ 3,000 properties in allOf", () => ({ allOf: times(3_000, (i) => ({ properties: { [`p${i}`]: { type: "string" } } })) })),
  tooLarge("‡ 100,000 properties", () => ({ type: "object", properties: named(100_000, () => ({ type: "string" })) })),
  compiled("‡ 90,000 properties", () => ({ type: "object", properties: named(90_000, () => ({ type: "string" })) })),
  compiled("‡ 100,000 required names", () => ({ type: "object", required: times(100_000, (i) => `p${i}`) })),
  compiled("‡ 12 dependentRequired", () => ({ type: "object", dependentRequired: named(12, (i) => [`q${i}`]) })),
  compiled("‡ 10,000 prefixItems", () => ({
    type: "array",
    prefixItems: times(10_000, (i) => ({ type: "string", maxLength: 1 + (i % 50) })),
  })),
  compiled("‡ 10,000 prefixItems, all required", () => ({
    type: "array",
    prefixItems: times(10_000, () => ({ type: "boolean" })),
    minItems: 10_000,
  })),
  compiled("50,000 strings", () => ({ enum: times(50_000, (i) => `value ${i}`) })),
  compiled("‡ 50,000 numbers", () => ({ enum: times(50_000, (i) => i * 7.5) })),
  compiled("‡ 50,000 values of every kind", () => ({
    enum: times(50_000, (i) => (i % 25 > 1 ? [null, true, i, `s${i}`][i % 4] : [[i], { a: i }][i % 25])),
  })),
  compiled("‡ 8,300 objects", () => ({ enum: times(8_300, (i) => ({ a: i, b: `v${i}` })) })),
  compiled("‡ 8,300 arrays", () => ({ enum: times(8_300, (i) => [i, `v${i}`]) })),
  compiled("‡ 8,300 objects of different names", () => ({ enum: times(8_300, (i) => ({ [`n${i}`]: i })) })),
  compiled("‡ 2,000 nested objects", () => ({ enum: times(2_000, (i) => ({ a: { b: { c: [i] } } })) })),
  compiled("‡ not one of 50,000 values", () => ({ not: { enum: times(50_000, (i) => [i, `s${i}`][i % 2]) } })),
  tooLarge("‡ not one of 2,000 objects", () => ({ type: "object", not: { enum: times(2_000, (i) => ({ a: i, b: `v${i}` })) } })),
  compiled("‡ a document of 10 MB in descriptions", () => ({
    type: "object",
    properties: named(1_000, () => ({ type: "string", description: "x".repeat(10_000) })),
  })),
  compiled("‡ a string of 10 MB", () => ({ const: "x".repeat(10_000_000) })),
  tooLarge("a string of 40 MB", () => ({ const: "x".repeat(40_000_000) })),
  compiled("a name of 1 MB", () => ({ type: "object", properties: { ["x".repeat(1_000_000)]: { type: "string" } } })),
  tooLarge("names of 1 MB above 100 others", () => ({
    properties: { ["x".repeat(1_000_000)]: { properties: named(100, () => ({ type: "string" })) } },
  })),
];

const DIGITS = (count: number) => Number(`1${"0".repeat(count)}`);
const BOUNDS: readonly Attack[] = [
  ...["minLength", "maxLength"].flatMap((key) =>
    [1e9, 1e308].map((bound) => compiled(`${key} ${bound}`, () => ({ type: "string", [key]: bound }))),
  ),
  ...["minItems", "maxItems"].flatMap((key) =>
    [1e9, 1e308].map((bound) => compiled(`${key} ${bound}`, () => ({ type: "array", items: { type: "boolean" }, [key]: bound }))),
  ),
  ...["minProperties", "maxProperties"].flatMap((key) =>
    [1e9, 1e308].map((bound) => compiled(`${key} ${bound}`, () => ({ type: "object", [key]: bound }))),
  ),
  compiled("minLength 1e9 and a pattern", () => ({ type: "string", minLength: 1e9, pattern: "^(ab)*$" })),
  compiled("minLength 1e5 and a pattern", () => ({ type: "string", minLength: 1e5, pattern: "^(ab|c)*$" })),
  compiled("maxLength 1e9 and a pattern", () => ({ type: "string", maxLength: 1e9, pattern: "^(ab)*$" })),
  compiled("multipleOf 1e-308", () => ({ type: "number", multipleOf: 1e-308 })),
  compiled("multipleOf 5e-324 and bounds", () => ({ type: "number", multipleOf: 5e-324, minimum: 0, maximum: 1 })),
  compiled("multipleOf 1e308", () => ({ type: "number", multipleOf: 1e308 })),
  compiled("multipleOf of 20 coprime numbers", () => ({
    allOf: [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71].map((multipleOf) => ({ multipleOf })),
    type: "integer",
  })),
  compiled("not a multiple of 10 coprime numbers", () => ({
    allOf: [2, 3, 5, 7, 11, 13, 17, 19, 23, 29].map((multipleOf) => ({ not: { multipleOf } })),
    type: "integer",
  })),
  compiled("multiples of one of 12 numbers", () => ({
    anyOf: [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].map((multipleOf) => ({ multipleOf })),
    type: "integer",
  })),
  compiled("a multiple of 0.3 and of 1e-300", () => ({ type: "number", allOf: [{ multipleOf: 0.3 }, { multipleOf: 1e-300 }] })),
  bad("a bound of 1,000 digits", () => ({ type: "integer", minimum: DIGITS(1_000) }), "/minimum"),
  compiled("a bound of 300 digits", () => ({ type: "integer", minimum: DIGITS(300) })),
  compiled("bounds of 300 digits and a multiple", () => ({ type: "integer", minimum: -DIGITS(300), maximum: DIGITS(300), multipleOf: 7 })),
  empty("no number between", () => ({ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 5e-324 })),
  tooLarge("3,000 intervals", () => ({ type: "number", anyOf: times(3_000, (i) => ({ minimum: 2 * i, maximum: 2 * i + 0.5 })) })),
  bad("a bound that is NaN", () => ({ minimum: Number.NaN }), "/minimum"),
  bad("a length below 0", () => ({ minLength: -1 }), "/minLength"),
  compiled("minContains 10,000", () => ({ type: "array", contains: { type: "null" }, minContains: 10_000 })),
  compiled("maxContains 10,000", () => ({ type: "array", contains: { type: "null" }, maxContains: 10_000, maxItems: 20_000 })),
  tooLarge("minContains 10,000 of 20,000 items", () => ({
    type: "array",
    contains: { type: "null" },
    minContains: 10_000,
    maxItems: 20_000,
  })),
  tooLarge("uniqueItems, contains and 10,000 of them", () => ({
    type: "array",
    uniqueItems: true,
    contains: { type: "integer" },
    minContains: 10_000,
    maxContains: 10_000,
  })),
  compiled("100 different items", () => ({ type: "array", uniqueItems: true, items: { enum: times(120, (i) => i) }, minItems: 100 })),
  compiled("‡ 1,000 different items of 1,000", () => ({
    type: "array",
    uniqueItems: true,
    items: { enum: times(1_000, (i) => i) },
    minItems: 1_000,
  })),
  compiled("‡ three contains that are counted", () => ({
    type: "array",
    allOf: ["a", "b", "c"].map((pattern) => ({ contains: { type: "string", pattern }, minContains: 30, maxContains: 40 })),
  })),
];

/** Two letters that are ten places apart: each doubles the states ten times. */
const gaps = (count: number, around: (gap: string) => string) =>
  times(count, (i) => ({ pattern: around(`${String.fromCharCode(97 + i)}.{9}z`) }));

const REGEX: readonly Attack[] = [
  ...["(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(.*)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"].map((pattern) =>
    compiled(`pattern ${pattern}`, () => ({ type: "string", pattern })),
  ),
  tooLarge("pattern counted in counted", () => ({ type: "string", pattern: "^(a{1,1000}){1,1000}$" })),
  tooLarge("pattern counted thrice", () => ({ type: "string", pattern: "((a{1,100}){1,100}){1,100}" })),
  compiled("pattern a{1,1000}", () => ({ type: "string", pattern: "^a{1,1000}$" })),
  tooLarge("pattern .{0,100000}x", () => ({ type: "string", pattern: "^.{0,200000}x$" })),
  tooLarge("‡ pattern whose states double", () => ({ type: "string", pattern: "^(a|b)*a(a|b){40}$" })),
  compiled("‡ pattern whose states double 12 times", () => ({ type: "string", pattern: "^(a|b)*a(a|b){12}$" })),
  compiled("1,000 alternatives in a pattern", () => ({ type: "string", pattern: `^(${times(1_000, (i) => `w${i}x*`).join("|")})$` })),
  compiled("‡ anyOf of 1,000 patterns", () => ({ type: "string", anyOf: times(1_000, (i) => ({ pattern: `^w${i}[a-z]*$` })) })),
  compiled("‡ anyOf of 1,000 patterns that are searched", () => ({
    type: "string",
    anyOf: times(1_000, (i) => ({ pattern: `w${i}[a-z]*x` })),
  })),
  ...[3, 5, 9].map((count) =>
    compiled(`${count > 5 ? "‡ " : ""}allOf of ${count} patterns that are searched`, () => ({
      type: "string",
      allOf: gaps(count, (gap) => gap),
    })),
  ),
  tooLarge("‡ allOf of 5 patterns from end to end", () => ({ type: "string", allOf: gaps(5, (gap) => `^.*${gap}.*$`) })),
  tooLarge("‡ allOf of 9 patterns that are searched within 18 characters", () => ({
    type: "string",
    maxLength: 18,
    allOf: gaps(9, (gap) => gap),
  })),
  tooLarge("‡ allOf of 9 patterns that are searched within 30 characters", () => ({
    type: "string",
    maxLength: 30,
    allOf: gaps(9, (gap) => gap),
  })),
  empty("‡ allOf of 5 patterns of which the end of one excludes another's", () => ({ type: "string", allOf: gaps(5, (gap) => `${gap}$`) })),
  compiled("‡ not one of 6 patterns that are searched", () => ({ type: "string", allOf: gaps(6, (gap) => gap).map((not) => ({ not })) })),
  compiled("lookaheads", () => ({ type: "string", pattern: "^(?=.*[a-z])(?=.*[A-Z])(?=.*\\d)(?=.*[!-/]).{8,40}$" })),
  compiled("‡ 20 lookaheads", () => ({
    type: "string",
    pattern: `^${times(12, (i) => `(?=.*${String.fromCharCode(97 + i)})`).join("")}.*$`,
  })),
  compiled("lookbehinds", () => ({ type: "string", pattern: "(?<=a.{3})b(?<!c)" })),
  unsupported("a reference to a group", () => ({ type: "string", pattern: "^(a+)\\1$" }), "/pattern"),
  bad("a pattern that is none", () => ({ type: "string", pattern: "(" }), "/pattern"),
  compiled("Unicode classes", () => ({ type: "string", pattern: "^\\p{L}[\\p{L}\\p{N}\\p{M}]{0,63}$" })),
  compiled("‡ Unicode classes counted", () => ({ type: "string", pattern: "^(\\p{L}\\P{Lu}){1,200}$" })),
  tooLarge("300 nested groups", () => ({ type: "string", pattern: `${"(".repeat(300)}a${")".repeat(300)}` })),
  bad("100,000 nested groups", () => ({ type: "string", pattern: `${"(".repeat(100_000)}a${")".repeat(100_000)}` })),
  compiled("‡ a pattern of 100,000 characters", () => ({ type: "string", pattern: `^${"ab".repeat(50_000)}$` })),
  tooLarge("‡ a pattern of 1,000,000 characters", () => ({ type: "string", pattern: `^${"ab".repeat(500_000)}$` })),
  compiled("the negation of a pattern", () => ({ type: "string", not: { pattern: "(a|b)*c(a|b){8}" } })),
];

const PRODUCTS: readonly Attack[] = [
  tooLarge("100 patternProperties", () => ({ type: "object", patternProperties: named(100, (i) => ({ minimum: i }), "x") })),
  compiled("5 patternProperties × 1,000 properties × propertyNames", () => ({
    type: "object",
    properties: named(1_000, () => ({ type: "string" })),
    patternProperties: Object.fromEntries(times(5, (i) => [`${i}`, { maxLength: 10 + i }])),
    propertyNames: { pattern: "^[a-z0-9]*$", maxLength: 20 },
  })),
  tooLarge("12 patternProperties × properties × propertyNames", () => ({
    type: "object",
    properties: named(1_000, () => ({ type: "string" })),
    patternProperties: Object.fromEntries(times(12, (i) => [`${String.fromCharCode(97 + i)}`, { maxLength: 10 + i }])),
    propertyNames: { pattern: "^[a-z0-9]*$", maxLength: 20 },
  })),
  ...[14, 20].map((count) =>
    tooLarge(`${count} nested if/then/else`, () =>
      nested(
        count,
        (inner, i) => ({
          if: { properties: { [`k${i}`]: { const: i } }, required: [`k${i}`] },
          then: { properties: { [`v${i}`]: { type: "string" } }, required: [`v${i}`] },
          else: inner,
        }),
        { type: "object" },
      ),
    ),
  ),
  ...[7, 14, 20].map((count) =>
    attack(`${count > 7 ? "" : "‡ "}${count} if/then/else side by side`, count > 7 ? "constraint/too-large" : "compiled", () => ({
      type: "object",
      allOf: times(count, (i) => ({
        if: { properties: { [`k${i}`]: { const: i } }, required: [`k${i}`] },
        then: { properties: { [`v${i}`]: { type: "string" } }, required: [`v${i}`] },
        else: { properties: { [`w${i}`]: { type: "number" } } },
      })),
    })),
  ),
  compiled("a kind and 14 if/then", () => ({
    type: "object",
    properties: { kind: { enum: times(14, (i) => `k${i}`) } },
    required: ["kind"],
    allOf: times(14, (i) => ({
      if: { properties: { kind: { const: `k${i}` } } },
      then: { properties: { [`v${i}`]: { type: "string" } }, required: [`v${i}`] },
    })),
  })),
  tooLarge("‡ oneOf of 100 objects that overlap", () => ({
    oneOf: times(100, (i) => ({ type: "object", properties: { [`p${i}`]: { type: "string" } }, required: [`p${i}`] })),
  })),
  tooLarge("oneOf of 100 numbers that overlap", () => ({ oneOf: times(100, (i) => ({ type: "number", minimum: i, maximum: i + 50 })) })),
  compiled("oneOf of 100 objects with a kind", () => ({
    oneOf: times(100, (i) => ({
      type: "object",
      properties: { kind: { const: `k${i}` }, [`p${i}`]: { type: "string" } },
      required: ["kind"],
    })),
  })),
  tooLarge("dependentSchemas for 30 names", () => ({
    type: "object",
    dependentSchemas: named(30, (i) => ({ properties: { [`q${i}`]: { type: "string" } }, required: [`q${i}`] })),
  })),
  tooLarge("anyOf of 3, 20 times", () => ({
    allOf: times(20, (i) => ({ anyOf: times(3, (j) => ({ type: "object", required: [`p${i}x${j}`] })) })),
  })),
  tooLarge("anyOf of 10, 10 deep", () => ({
    allOf: times(10, (i) => ({ anyOf: times(10, (j) => ({ type: "array", contains: { const: i * 10 + j } })) })),
  })),
  tooLarge("anyOf of 5,000 objects", () => ({ anyOf: times(5_000, (i) => ({ type: "object", required: [`p${i}`] })) })),
  tooLarge("not of an allOf of anyOf", () => ({
    type: "object",
    not: { anyOf: times(14, (i) => ({ allOf: times(3, (j) => ({ required: [`p${i}x${j}`] })) })) },
  })),
  tooLarge("‡ unevaluatedProperties over 200 nested anyOf", () => ({
    ...(nested(200, (inner, i) => ({ anyOf: [inner, { properties: { [`p${i}`]: { type: "string" } } }] })) as Schema),
    type: "object",
    unevaluatedProperties: false,
  })),
  tooLarge("‡ unevaluatedProperties over 10 anyOf", () => ({
    type: "object",
    allOf: times(10, (i) => ({
      anyOf: [{ properties: { [`p${i}`]: { type: "string" } }, required: [`p${i}`] }, { properties: { [`q${i}`]: true } }],
    })),
    unevaluatedProperties: false,
  })),
  tooLarge("unevaluatedItems over 10 anyOf", () => ({
    type: "array",
    allOf: times(10, (i) => ({ anyOf: [{ prefixItems: times(i + 1, () => ({ type: "string" })) }, { maxItems: i }] })),
    unevaluatedItems: false,
  })),
  tooLarge("unevaluatedProperties over 2,000 anyOf", () => ({
    anyOf: times(2_000, (i) => ({ properties: { [`p${i}`]: { type: "string" } } })),
    unevaluatedProperties: false,
  })),
  tooLarge("7 not-additionalProperties", () => ({
    type: "object",
    allOf: times(7, (i) => ({ not: { additionalProperties: { const: i } } })),
  })),
  compiled("5 not-additionalProperties", () => ({
    type: "object",
    allOf: times(5, (i) => ({ not: { additionalProperties: { const: i } } })),
  })),
];

export const ATTACKS: readonly Attack[] = [...DEPTH, ...CYCLES, ...WIDTH, ...BOUNDS, ...REGEX, ...PRODUCTS, ...SHAPES];
