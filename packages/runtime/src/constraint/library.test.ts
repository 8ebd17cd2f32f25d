import { execFileSync } from "node:child_process";
import { Ajv2020 } from "ajv/dist/2020.js";
import { miniTokenizer } from "../prompt/fixtures.test.support.ts";
import { createRandom, type Random } from "../sampling/random.ts";
import type { Vocabulary } from "../tokenizer/vocabulary.ts";
import type { ConstraintState } from "./grammar.ts";
import { compile } from "./library.ts";
import { maskLogits } from "./logits.ts";

const tokenizer = miniTokenizer();
const END = tokenizer.controlId("<eos>");

const schema = {
  type: "object",
  properties: {
    title: { type: "string", minLength: 1, maxLength: 12 },
    rating: { type: "integer", minimum: 1, maximum: 5 },
    tags: { type: "array", items: { enum: ["new", "used", "rare"] }, uniqueItems: true },
  },
  required: ["title", "rating"],
  additionalProperties: false,
};

const NOISE = Float32Array.from({ length: tokenizer.size }, createRandom(2));

/** A model that knows nothing. Its end-of-text token is as likely as any. */
function logitsOf(random: Random): Float32Array {
  const from = Math.floor(random() * NOISE.length);
  const logits = new Float32Array(NOISE.length);
  logits.set(NOISE.subarray(from));
  logits.set(NOISE.subarray(0, from), NOISE.length - from);
  return logits;
}

function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** The loop of the documents. Tokens that close something are preferred after a while, so that chance comes to an end. */
function reply(start: ConstraintState, random: Random): string {
  const ids: number[] = [];
  let state = start;
  while (!state.done && ids.length < 200) {
    const logits = logitsOf(random);
    if (ids.length > 6) for (const end of ['"', "}", "]", "null"]) logits[tokenizer.encode(end)[0]!]! += 1;
    maskLogits(logits, state.mask(), state.mayEnd ? [END] : []);
    const id = argmax(logits);
    if (id === END) break;
    ids.push(id);
    state = state.advance(id);
  }
  expect(state.mayEnd).toBe(true);
  return tokenizer.decode(ids);
}

test("replies drawn from masked noise are valid JSON of the schema", () => {
  const grammar = compile(schema, tokenizer);
  const validate = new Ajv2020().compile(schema);
  const random = createRandom(1);
  const replies = Array.from({ length: 5 }, () => reply(grammar.start(), random));
  for (const text of replies) expect({ text, valid: validate(JSON.parse(text)) }).toEqual({ text, valid: true });
  expect(new Set(replies).size).toBe(5);
});

test("a number may end and may go on: then its end is the caller's", () => {
  let state = compile({ type: "integer", minimum: 10 }, tokenizer).start();
  expect(state.mayEnd).toBe(false);
  for (const id of tokenizer.encode("12")) state = state.advance(id);
  expect([state.mayEnd, state.done]).toEqual([true, false]);
  const mask = state.mask();
  expect(mask.has(tokenizer.encode("3")[0]!)).toBe(true);
  expect([...tokenizer.control.values()].filter((id) => mask.has(id))).toEqual([]);
  expect(state.advance(tokenizer.encode("3")[0]!).mayEnd).toBe(true);
});

test("nothing can follow a closed object", () => {
  let state = compile(schema, tokenizer).start();
  for (const id of tokenizer.encode('{"title":"x","rating":3}')) state = state.advance(id);
  expect([state.mayEnd, state.done, state.mask().count]).toEqual([true, true, 0]);
  expect(() => state.advance(tokenizer.encode(" ")[0]!)).toThrow(expect.objectContaining({ code: "constraint/illegal-token" }));
});

test("states are values: one can be gone on from twice", () => {
  const start = compile({ enum: ["left", "right"] }, tokenizer).start();
  const read = (text: string) => tokenizer.encode(text).reduce((state, id) => state.advance(id), start);
  expect([read('"left"').done, read('"right"').done, start.mayEnd]).toEqual([true, true, false]);
});

test("what must come is forced as the tokenizer spells it", () => {
  const one = {
    type: "object",
    properties: { identification: { const: "yes" } },
    required: ["identification"],
    additionalProperties: false,
  };
  const start = compile(one, tokenizer).start();
  expect(start.forced()).toEqual(tokenizer.encode('{"identification":"yes"}'));
  expect(start.forced().reduce((state, id) => state.advance(id), start).done).toBe(true);
});

test("a vocabulary is ids and bytes; without `encode` it forces what is alone in its mask", () => {
  const plain: Vocabulary = { size: 257, bytes: (id) => (id < 256 ? Uint8Array.of(id) : undefined), control: new Map([["<end>", 256]]) };
  const start = compile({ enum: ["alpha", "alphabet"] }, plain).start();
  expect(Buffer.from(start.forced()).toString()).toBe('"alpha');
  expect(
    start
      .forced()
      .reduce((state, id) => state.advance(id), start)
      .mask().ids,
  ).toEqual(Int32Array.from(Buffer.from('"b')));
});

test("the mask is put on logits that are padded, and leaves what else is legal", () => {
  const mask = compile({ type: "boolean" }, tokenizer).start().mask();
  const logits = new Float32Array(tokenizer.size + 64).fill(0.5);
  maskLogits(logits, mask, [END, 10 ** 9]);
  const legal = Array.from(logits.keys()).filter((id) => logits[id] === 0.5);
  expect(legal).toEqual([...new Set([END, ...mask.ids!])].sort((a, b) => a - b));
});

test("a schema that cannot be compiled exactly is an error with a place", () => {
  const refused = { type: "object", properties: { a: { pattern: "(a)\\1" } } };
  expect(() => compile(refused, tokenizer)).toThrow(
    expect.objectContaining({ code: "constraint/unsupported", pointer: "/properties/a/pattern" }),
  );
  expect(() => compile({ type: "integer", minimum: 2, maximum: 1 }, tokenizer, { subject: "the form" })).toThrow(/^the form: /);
});

test("the entry loads neither ONNX Runtime nor a model", () => {
  const entry = new URL("../constraint-entry.js", import.meta.url).href;
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { compile } = await import(${JSON.stringify(entry)});
    const bytes = { size: 256, bytes: (id) => Uint8Array.of(id), control: new Map() };
    if (!compile({ type: "null" }, bytes).start().mask().has(110)) throw new Error("no mask");
    const shared = process.report.getReport().sharedObjects.filter((file) => file.includes("onnxruntime"));
    console.log(JSON.stringify([...loaded, ...shared]));
  `;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const loaded = JSON.parse(out) as string[];
  expect(loaded.length).toBeGreaterThan(20);
  expect(loaded.filter((url) => /onnxruntime|\/session\/|packages\/model|\/hub\//.test(url))).toEqual([]);
});
