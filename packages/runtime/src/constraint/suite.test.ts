/** The public suite, byte by byte: every required group compiles, and each of its cases is judged right. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Json } from "@orrery/chat";
import { ConstraintError } from "../errors.ts";
import { Automaton } from "./automaton.ts";
import { JSON_SURFACE } from "./json.ts";
import { valuePart } from "./value.ts";

interface Group {
  readonly file: string;
  readonly description: string;
  readonly schema: Json;
  readonly tests: readonly { readonly description: string; readonly data: Json; readonly valid: boolean }[];
}

const fixtures = new URL("../../fixtures/json-schema/", import.meta.url);
const read = <T>(name: string) => JSON.parse(gunzipSync(readFileSync(new URL(name, fixtures))).toString("utf8")) as T;
const remotes = new Map(
  Object.entries(read<Record<string, Json>>("remotes.json.gz")).map(([path, value]) => [`http://localhost:1234/${path}`, value]),
);

/** The automaton, "empty" for a schema without values, or the code of the refusal. */
function automatonOf(schema: Json, draft: "2020-12" | "07"): Automaton | string {
  try {
    return new Automaton(
      valuePart(schema, {
        subject: "the schema",
        surface: JSON_SURFACE,
        order: "any",
        undeclared: "allowed",
        exponent: true,
        formats: "annotate",
        draft,
        remotes,
      }),
    );
  } catch (thrown) {
    if (!(thrown instanceof ConstraintError)) throw thrown;
    return thrown.code === "constraint/unsatisfiable" ? "empty" : thrown.code;
  }
}

function accepts(automaton: Automaton, value: Json): boolean {
  return automaton.run(automaton.start, Buffer.from(JSON.stringify(value)))?.done ?? false;
}

test.each([
  ["draft2020-12", "2020-12", 1299],
  ["draft7", "07", 927],
] as const)("%s: every required group compiles, and every case is judged right", (name, draft, cases) => {
  const groups = read<Group[]>(`${name}.json.gz`).filter(({ file }) => !file.startsWith("optional/"));
  const acceptedInvalid: string[] = [];
  const refusedValid: string[] = [];
  const refused: string[] = [];
  let judged = 0;
  for (const { file, description, schema, tests } of groups) {
    const automaton = automatonOf(schema, draft);
    if (typeof automaton === "string" && automaton !== "empty") {
      refused.push(`${file}: ${description}: ${automaton}`);
      continue;
    }
    for (const { description: what, data, valid } of tests) {
      judged++;
      const accepted = typeof automaton !== "string" && accepts(automaton, data);
      if (accepted !== valid) (accepted ? acceptedInvalid : refusedValid).push(`${file}: ${description}: ${what}`);
    }
  }
  expect({ acceptedInvalid, refusedValid, refused, judged }).toEqual({
    acceptedInvalid: [],
    refusedValid: [],
    refused: [],
    judged: cases,
  });
});
