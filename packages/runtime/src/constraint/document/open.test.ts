/** What nodes are, beyond what the suite's cases can tell: identity, places, refusals, limits. */
import type { Json } from "@orrery/chat";
import fc from "fast-check";
import { ConstraintError } from "../../errors.js";
import { valid } from "./evaluate.test.support.js";
import type { SchemaNode, SchemaOptions } from "./node.js";
import { openSchema } from "./open.js";

const open = (schema: unknown, options: Partial<SchemaOptions> = {}) => openSchema(schema, { subject: "the schema", ...options });

function refusal(schema: unknown, options?: Partial<SchemaOptions>): [code: string, pointer: string] {
  try {
    open(schema, options);
  } catch (error) {
    if (error instanceof ConstraintError) return [error.code, error.pointer];
    throw error;
  }
  throw new Error("accepted");
}

describe("nodes", () => {
  test("keywords are typed, annotations are absent", () => {
    const node = open({ type: ["integer", "null"], title: "t", default: 1, minimum: 1, uniqueItems: false, "x-own": {}, examples: [2] });
    expect(node).toEqual({ where: { subject: "the schema", pointer: "" }, types: new Set(["integer", "null"]), minimum: 1 });
  });

  test("a place is one node, however it is reached", () => {
    const node = open({
      $defs: { a: { items: { $ref: "#/$defs/a" } } },
      allOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }],
      not: { $ref: "#" },
    });
    const [first, second] = node.allOf!.map((branch) => branch.ref!());
    expect(first).toBe(second);
    expect(first!.items!.ref!()).toBe(first);
    expect(node.not!.ref!()).toBe(node);
  });

  test("a place has a node for each dynamic scope that leads its anchors elsewhere", () => {
    const list = { $id: "list", $defs: { item: { $dynamicAnchor: "item" } }, items: { $dynamicRef: "#item" } };
    const of = (type: string) => ({ $id: `of-${type}`, $ref: "list", $defs: { item: { $dynamicAnchor: "item", type } } });
    const node = open({
      $id: "https://example.com/root",
      $defs: { list },
      allOf: [of("string"), of("number"), of("string")].slice(0, 2),
      not: { $ref: "of-string" },
    });
    const [texts, numbers] = node.allOf!.map((branch) => branch.ref!());
    expect(texts!.where).toEqual(numbers!.where);
    expect(texts!.items!.dynamicRef!().types).toEqual(new Set(["string"]));
    expect(numbers!.items!.dynamicRef!().types).toEqual(new Set(["number"]));
    expect(node.not!.ref!().ref!()).toBe(texts);
  });

  test("drafts are made equal", () => {
    const old = open(
      { items: [{ type: "null" }], additionalItems: false, dependencies: { a: ["b"], c: { minProperties: 3 } } },
      { draft: "07" },
    );
    expect(old.prefixItems!.map(({ types }) => types)).toEqual([new Set(["null"])]);
    expect(old.items!.always).toBe(false);
    expect(old.dependentRequired).toEqual(new Map([["a", ["b"]]]));
    expect(old.dependentSchemas!.get("c")!.minProperties).toBe(3);
    const oldest = open({ $schema: "http://json-schema.org/draft-04/schema#", id: "x", minimum: 1, exclusiveMinimum: true, const: 3 });
    expect(oldest).toMatchObject({ exclusiveMinimum: 1 });
    expect([oldest.minimum, oldest.const]).toEqual([undefined, undefined]);
  });

  test("in draft-07 a `$ref` overrides what is beside it", () => {
    const node = open({ definitions: { a: {} }, $ref: "#/definitions/a", type: "string" }, { draft: "07" });
    expect(node.types).toBeUndefined();
    expect(node.ref!().where.pointer).toBe("/definitions/a");
  });

  test("in draft 2019-09 `contains` evaluates no item, and `$recursiveRef` leads to the outermost resource", () => {
    const $schema = "https://json-schema.org/draft/2019-09/schema";
    const closed = (draft: string) => open({ $schema: draft, contains: { const: 1 }, unevaluatedItems: false });
    expect([valid(closed($schema), [1]), valid(closed("https://json-schema.org/draft/2020-12/schema"), [1])]).toEqual([false, true]);
    expect(valid(open({ $schema, contains: { const: 1 }, maxContains: 1 }), [1, 1])).toBe(false);
    const tree = { $id: "tree", $recursiveAnchor: true, type: "array", items: { $recursiveRef: "#" } };
    const node = open({ $schema, $id: "https://example.com/", $recursiveAnchor: true, maxItems: 1, $ref: "tree", $defs: { tree } });
    expect([valid(node, [[[]]]), valid(node, [[[], []]])]).toEqual([true, false]);
  });

  test("places in other documents are named by their URI", () => {
    const remotes = new Map<string, Json>([["https://example.com/a", { properties: { b: { type: "null" } } }]]);
    const target = open({ $ref: "https://example.com/a" }, { remotes }).ref!();
    expect(target.where.pointer).toBe("https://example.com/a#");
    expect(target.properties!.get("b")!.where.pointer).toBe("https://example.com/a#/properties/b");
    expect(refusal({ $ref: "a" }, { remotes: new Map([["a", { items: 1 }]]) })).toEqual(["constraint/bad-schema", "a#/items"]);
  });

  test("names that every object inherits are names like others", () => {
    const schema: unknown = JSON.parse(
      '{"properties":{"__proto__":{"type":"null"},"constructor":{}},"required":["__proto__","toString"],"$defs":{"__proto__":true},"not":{"$ref":"#/$defs/__proto__"}}',
    );
    const node = open(schema);
    expect([...node.properties!.keys()]).toEqual(["__proto__", "constructor"]);
    expect(node.properties!.get("__proto__")!.types).toEqual(new Set(["null"]));
    expect(node.required).toEqual(["__proto__", "toString"]);
    expect(node.not!.ref!().always).toBe(true);
    expect(open({}).properties).toBeUndefined();
    expect(refusal({ $ref: "#/constructor" })).toEqual(["constraint/bad-schema", "/$ref"]);
  });

  test("our own keywords are known in every draft", () => {
    const schema = { substringOf: "text", uniqueSubstringOf: "other", copyFrom: "conversation" };
    for (const draft of ["07", "2020-12"] as const) expect(open(schema, { draft })).toMatchObject(schema);
  });

  test("a schema may be described by its own metaschema", () => {
    const node = open({ $ref: "https://json-schema.org/draft/2020-12/schema" }).ref!();
    const recursive = node.allOf![1]!.ref!().properties!.get("not")!.dynamicRef!();
    expect(recursive).toBe(node);
    for (const uri of ["04", "06", "07"].map((draft) => `http://json-schema.org/draft-${draft}/schema#`))
      expect(open({ $ref: uri }).ref!().where.pointer).toBe(uri);
  });
});

describe("refusals", () => {
  const bad: [unknown, string][] = [
    [{ properties: { "a/b": 1 } }, "/properties/a~1b"],
    [{ type: "text" }, "/type"],
    [{ type: [] }, "/type"],
    [{ minimum: "1" }, "/minimum"],
    [{ maximum: Infinity }, "/maximum"],
    [{ multipleOf: 0 }, "/multipleOf"],
    [{ minLength: -1 }, "/minLength"],
    [{ maxItems: 1.5 }, "/maxItems"],
    [{ pattern: 1 }, "/pattern"],
    [{ enum: "a" }, "/enum"],
    [{ enum: [1, NaN] }, "/enum/1"],
    [{ const: { a: () => 1 } }, "/const"],
    [{ required: "a" }, "/required"],
    [{ required: [1] }, "/required"],
    [{ dependentRequired: { a: "b" } }, "/dependentRequired/a"],
    [{ properties: [] }, "/properties"],
    [{ allOf: [] }, "/allOf"],
    [{ anyOf: {} }, "/anyOf"],
    [{ oneOf: [null] }, "/oneOf/0"],
    [{ items: [{}] }, "/items"],
    [{ uniqueItems: 1 }, "/uniqueItems"],
    [{ not: "a" }, "/not"],
    [{ $ref: 1 }, "/$ref"],
    [{ $id: 1 }, "/$id"],
    [{ copyFrom: "file" }, "/copyFrom"],
    [{ $ref: "#/$defs/a" }, "/$ref"],
    [{ $ref: "#a" }, "/$ref"],
    [{ $ref: "#/$defs/a/type", $defs: { a: { type: "string" } } }, "/$ref"],
    [{ $ref: "#/%E0%A4%A" }, "/$ref"],
    [{ $dynamicRef: "#a" }, "/$dynamicRef"],
    [{ $ref: "#a", $defs: { one: { $anchor: "a" }, two: { $anchor: "a" } } }, "/$ref"],
    [{ $ref: "a", $defs: { one: { $id: "a" }, two: { $id: "a" } } }, "/$ref"],
    [null, ""],
    ["a", ""],
  ];
  test.each(bad)("%j is refused at %j", (schema, pointer) => expect(refusal(schema)).toEqual(["constraint/bad-schema", pointer]));

  test.each<[Json, string]>([
    [{ $ref: "https://example.com/a" }, "/$ref"],
    [{ not: { $ref: "other.json#/a" } }, "/not/$ref"],
    [{ $schema: "https://example.com/schema" }, "/$schema"],
    [{ $schema: "http://json-schema.org/draft-03/schema#" }, "/$schema"],
  ])("%j needs what is not known", (schema, pointer) => expect(refusal(schema)).toEqual(["constraint/unsupported", pointer]));

  test("a vocabulary that must be understood and is not", () => {
    const metaschema = { $vocabulary: { "https://json-schema.org/draft/2020-12/vocab/core": true, "https://example.com/v": true } };
    expect(refusal({ $schema: "https://example.com/m" }, { remotes: new Map([["https://example.com/m", metaschema]]) })).toEqual([
      "constraint/unsupported",
      "/$schema",
    ]);
  });

  test("what nothing refers to is not read", () =>
    expect(open({ $defs: { a: { type: "nothing", $ref: "nowhere" } } }).types).toBeUndefined());
});

describe("limits", () => {
  const nested = (levels: number): Json => {
    let schema: Json = {};
    for (let i = 0; i < levels; i++) schema = { items: schema };
    return schema;
  };

  test("depth", () => {
    expect(open(nested(256)).items).toBeDefined();
    expect(refusal(nested(257))[0]).toBe("constraint/too-deep");
    expect(refusal(nested(100_000))[0]).toBe("constraint/too-deep");
    expect(refusal({ "x-own": nested(100_000), $ref: "#/x-own" })[0]).toBe("constraint/too-deep");
    expect(refusal({ const: nested(100_000) })).toEqual(["constraint/too-deep", "/const"]);
  });

  test("a long chain of references takes no stack", () => {
    const $defs = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`d${i}`, { $ref: `#/$defs/d${i + 1}` }]));
    let node: SchemaNode = open({ $ref: "#/$defs/d0", $defs: { ...$defs, d5000: { type: "null" } } });
    while (node.ref) node = node.ref();
    expect(node.types).toEqual(new Set(["null"]));
  });

  test("objects that contain themselves, and objects that are shared until they are too many", () => {
    const cycle: Record<string, unknown> = {};
    cycle["properties"] = { a: { items: cycle }, b: cycle };
    expect(refusal(cycle)[0]).toBe("constraint/bad-schema");
    const value: unknown[] = [];
    value.push(value);
    expect(refusal({ const: value })).toEqual(["constraint/too-deep", "/const"]);
    let shared: Json = {};
    for (let i = 0; i < 100; i++) shared = { allOf: [shared, shared] };
    expect(refusal(shared)[0]).toBe("constraint/too-large");
  });

  test("small documents that would be large when written out", () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`n${i}`, { $ref: "#" }]));
    expect(refusal({ properties: { ["n".repeat(100_000)]: { properties: many } } })[0]).toBe("constraint/too-large");
    const ids = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`n${i}`, { $id: `n${i}` }]));
    expect(refusal({ $id: `http://a/${"n".repeat(100_000)}/`, $defs: ids })).toEqual(["constraint/too-large", "/$id"]);
    expect(refusal({ $ref: `#${"/a".repeat(2_000)}` })).toEqual(["constraint/too-deep", "/$ref"]);
    const each = Array.from({ length: 40 }, (_, i) => i);
    const $defs = Object.fromEntries(
      each.map((i) => [`d${i}`, { $id: `d${i}`, $defs: { a: { $dynamicAnchor: `a${i}` } }, allOf: each.map((j) => ({ $ref: `d${j}` })) }]),
    );
    expect(refusal({ $ref: "d0", $defs })[0]).toBe("constraint/too-large");
    const names = Array<string>(10_000).fill("a");
    expect(refusal({ allOf: Array.from({ length: 200 }, () => ({ required: names })) })[0]).toBe("constraint/too-large");
  });

  test("values", () => {
    expect(open({ enum: Array<string>(100_000).fill("a") }).enum).toHaveLength(100_000);
    expect(refusal({ enum: Array<string>(1_000_001).fill("a") })[0]).toBe("constraint/too-large");
    expect(refusal({ substringOf: "a".repeat(33_000_000) })).toEqual(["constraint/too-large", "/substringOf"]);
  });
});

test("anything at all is a node or a typed error, and references never throw later", () => {
  const key = fc.constantFrom(
    ..."$id $ref $anchor $dynamicRef $dynamicAnchor $schema $defs definitions items prefixItems additionalItems allOf not if then properties dependencies type enum const minimum required".split(
      " ",
    ),
  );
  const leaf = fc.oneof(
    fc.constantFrom("#", "#/$defs/a", "#a", "a", "b#a", "string", "a#/items", "http://json-schema.org/draft-07/schema#"),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("schema"), { maxLength: 2 }),
      fc.dictionary(fc.oneof(key, fc.constantFrom("a", "b", "__proto__")), tie("schema"), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, schema, { minKeys: 1, maxKeys: 5 }), (wild) => {
      const seen = new Set<SchemaNode>();
      const visit = (node: SchemaNode | undefined): void => {
        if (!node || seen.has(node)) return;
        seen.add(node);
        for (const one of [node.ref?.(), node.dynamicRef?.(), node.items, node.not, node.if, node.then]) visit(one);
        for (const one of [...(node.allOf ?? []), ...(node.prefixItems ?? []), ...(node.properties?.values() ?? [])]) visit(one);
      };
      try {
        visit(open(wild));
      } catch (error) {
        if (!(error instanceof ConstraintError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
