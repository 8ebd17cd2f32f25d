import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import type { Json } from "@orrery/chat";
import { differences, isSame } from "./differences.ts";

test("says where, and shows both", () => {
  expect(differences({ a: [1, { b: 2 }], c: 3 }, { a: [1, { b: "2" }], d: null })).toEqual([
    'a[1].b: expected 2, found "2"',
    "c: expected 3, found nothing",
    "d: expected nothing, found null",
  ]);
  expect(differences([1], {})).toEqual(["the whole: expected [1], found {}"]);
});

test("of long texts shows the place where they part", () => {
  const text = "x".repeat(500);
  const [line] = differences(`${text}a${text}`, `${text}b${text}`);
  expect(line).toContain("from character 500 on");
  expect(line!.length).toBeLessThan(200);
});

test("at most five, and how many more", () => {
  const lines = differences([..."abcdefgh"], [..."ABCDEFGH"]);
  expect(lines).toHaveLength(6);
  expect(lines[5]).toBe("and 3 more");
});

test("is empty exactly where two values are equal", () => {
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);
  fc.assert(fc.property(json, json, (a, b) => void expect(differences(a, b).length === 0).toBe(isDeepStrictEqual(a, b))));
  fc.assert(fc.property(json, (a) => void expect(differences(a, structuredClone(a))).toEqual([])));
});

test("what JSON does not see does not count: properties that are undefined, where an object was made", () => {
  expect(isSame({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(isSame(structuredClone({ a: [{}] }), { a: [{}] })).toBe(true);
  expect(isSame({ a: undefined }, { b: undefined })).toBe(true);
  expect(isSame(JSON.parse('{"__proto__":1}') as Json, {})).toBe(false);
});
