/** Hostile schemas that are no plain data, or name things that are not there. In: nothing. Out: attacks. */
import { type Attack, type Schema, compiled, tooDeep, tooLarge, unsupported, bad, empty } from "./attack.test.support.ts";

const thrower = (key: string) =>
  Object.defineProperty({ type: "object" }, key, {
    enumerable: true,
    get() {
      throw new Error("no");
    },
  });
const cyclic = () => {
  const schema: Schema = { type: "object" };
  schema["properties"] = { a: schema };
  return schema;
};
const cyclicValue = () => {
  const value: Schema = {};
  value["a"] = value;
  return { const: value };
};
/** Gives another schema each time that it is asked. */
const unsteady = (): unknown => {
  let count = 0;
  const below = () => ({ [`p${count++}`]: unsteady() });
  return new Proxy(
    {},
    {
      ownKeys: () => ["properties"],
      get: (_, key) => (key === "properties" ? below() : undefined),
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: below() }),
    },
  );
};

/** Its keywords are getters of its prototype. */
class Model {
  get type() {
    return "string";
  }
}

export const SHAPES: readonly Attack[] = [
  compiled("__proto__ and constructor as names", () =>
    JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"integer"},"toString":{"const":1}},"required":["__proto__","constructor","hasOwnProperty"],"additionalProperties":{"type":"null"}}',
    ),
  ),
  compiled("__proto__ in const", () => JSON.parse('{"const":{"__proto__":{"a":1},"constructor":{"prototype":null}}}')),
  compiled("__proto__ as a keyword", () => JSON.parse('{"__proto__":{"type":"string"},"type":"integer"}')),
  compiled("__proto__ in $defs", () => JSON.parse('{"$ref":"#/$defs/__proto__","$defs":{"__proto__":{"type":"string"}}}')),
  bad("$ref into a prototype", () => ({ $ref: "#/constructor" })),
  empty("a lone surrogate in const", () => ({ const: "\ud800" })),
  compiled("a lone surrogate in a name", () => ({ type: "object", properties: { "\udc00": { type: "string" } }, required: ["\udc00"] })),
  compiled("a lone surrogate in a pattern", () => ({ type: "string", pattern: "^\\ud800?a$" })),
  bad("one $id twice, and a reference to it", () => ({
    $defs: { a: { $id: "https://a.example/x", type: "string" }, b: { $id: "https://a.example/x", type: "null" } },
    $ref: "https://a.example/x",
  })),
  bad("one anchor twice, and a reference to it", () => ({ $defs: { a: { $anchor: "x" }, b: { $anchor: "x", type: "null" } }, $ref: "#x" })),
  bad("$ref to nowhere", () => ({ $ref: "#/$defs/none" })),
  unsupported("$ref to another document", () => ({ $ref: "https://a.example/none.json" })),
  unsupported("$ref to a file", () => ({ $ref: "file:///etc/passwd" })),
  unsupported("$ref that is no URI", () => ({ $ref: "http://[" })),
  tooDeep("$ref of 10,000 steps", () => ({ $ref: `#${"/a".repeat(10_000)}` })),
  tooLarge("$id of 10,000 characters", () => ({ $id: `https://a.example/${"x".repeat(10_000)}` })),
  bad("not a schema", () => 7),
  bad("null", () => null),
  bad("a list", () => []),
  bad("a function", () => () => ({})),
  bad("a Map", () => new Map([["type", "string"]])),
  bad("an instance of a class", () => new Model()),
  bad("an instance of a class, below", () => ({ items: new Model() }), "/items"),
  bad("a Map of properties", () => ({ properties: new Map([["a", { type: "string" }]]) }), "/properties"),
  bad("a Date in enum", () => ({ enum: [new Date(0)] })),
  bad("a Map in const", () => ({ const: new Map() })),
  compiled("an object without a prototype", () => Object.assign(Object.create(null) as Schema, { type: "string" })),
  bad("keywords of the wrong kind", () => ({ properties: [] }), "/properties"),
  bad("a cyclic object", cyclic),
  tooDeep("a cyclic value", cyclicValue),
  bad("a getter that throws", () => thrower("properties")),
  bad("a getter that throws, below", () => ({ properties: { a: thrower("maxLength") } })),
  bad(
    "a proxy that throws",
    () =>
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("no");
          },
        },
      ),
  ),
  bad("a revoked proxy", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }),
  tooDeep("a proxy that is another schema each time", unsteady),
  bad("a BigInt bound", () => ({ minimum: 1n }), "/minimum"),
  bad("undefined in enum", () => ({ enum: [undefined] })),
  bad("holes in a list", () => ({ enum: Object.assign([], { length: 5 }) })),
  tooLarge("a list that says it is long", () => ({ enum: Object.assign([], { length: 4e9 }) })),
];
