/** The official suite: nodes mean what their schemas mean. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Json } from "@orrery/chat";
import { valid } from "./evaluate.test.support.js";
import { openSchema } from "./open.js";

interface Group {
  readonly file: string;
  readonly description: string;
  readonly schema: Json;
  readonly tests: readonly { readonly description: string; readonly data: Json; readonly valid: boolean }[];
}

const fixtures = new URL("../../../fixtures/json-schema/", import.meta.url);
const read = <T>(name: string) => JSON.parse(gunzipSync(readFileSync(new URL(name, fixtures))).toString("utf8")) as T;
const remotes = new Map(
  Object.entries(read<Record<string, Json>>("remotes.json.gz")).map(([path, value]) => [`http://localhost:1234/${path}`, value]),
);

/** Optional cases that ask for assertions a node leaves to others: formats, and the content of strings. */
const NOT_OURS = /^optional\/(format\/|format-assertion\.json|content\.json)/;

test.each([
  ["draft2020-12", "2020-12", 1457],
  ["draft7", "07", 1035],
] as const)("%s: every case is judged right", (name, draft, cases) => {
  const groups = read<Group[]>(`${name}.json.gz`).filter(({ file }) => !NOT_OURS.test(file));
  const wrong: string[] = [];
  let judged = 0;
  for (const { file, description, schema, tests } of groups) {
    const node = openSchema(schema, { subject: description, draft, remotes });
    for (const one of tests) {
      judged++;
      if (valid(node, one.data) !== one.valid) wrong.push(`${file}: ${description}: ${one.description}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(judged).toBe(cases);
});

test("a metaschema that uses the format-assertion vocabulary makes formats assert", () => {
  const groups = read<Group[]>("draft2020-12.json.gz").filter(({ file }) => file === "optional/format-assertion.json");
  expect(groups.map(({ schema }) => openSchema(schema, { subject: "s", remotes }).assertsFormat)).toEqual([true, true]);
});
