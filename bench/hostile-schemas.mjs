/**
 * What hostile schemas cost. In: the table of attacks that the tests have. Out: a table: attack | outcome | CPU ms to compile, to the first
 * mask, and of fifty tokens of a random reply | heap MB. The attacks run one after the other in a process of their own; one that takes more
 * than --limit seconds ends it, and the rest goes on in another.
 *
 *   node bench/hostile-schemas.mjs [--only text] [--limit 60]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { compile } from "../packages/runtime/dist/constraint/library.js";
import { ATTACKS } from "../packages/runtime/dist/constraint/hostile.test.support.js";
import { uniform } from "../packages/runtime/dist/constraint/replies.test.support.js";
import { trieOf } from "../packages/runtime/dist/constraint/trie.js";
import { miniTokenizer } from "../packages/runtime/dist/prompt/fixtures.test.support.js";
import { createRandom } from "../packages/runtime/dist/sampling/random.js";

const { values: flags } = parseArgs({
  options: { only: { type: "string" }, limit: { type: "string", default: "60" }, attack: { type: "string" } },
});
const MAX_HEAP = 8e8;
const chosen = [...ATTACKS.keys()].filter((index) => flags.only === undefined || ATTACKS[index].name.includes(flags.only));
if (flags.attack !== undefined) {
  const tokenizer = miniTokenizer();
  trieOf(tokenizer);
  for (const index of chosen.filter((index) => index >= Number(flags.attack))) {
    console.log(JSON.stringify(run(ATTACKS[index], tokenizer)));
    // Masks of all grammars are kept with the vocabulary.
    if (process.memoryUsage().heapUsed > MAX_HEAP) break;
  }
} else {
  console.log("| attack | outcome | CPU ms: compile, first mask, 50 tokens | heap MB |\n|---|---|---|---|");
  for (let done = 0; done < chosen.length;) done += await batch(chosen.slice(done));
}

/** Runs attacks in a process until one does not end. Gives back how many are done with. */
async function batch(indices) {
  const args = ["--expose-gc", "--max-old-space-size=2048", process.argv[1], "--attack", String(indices[0])];
  if (flags.only !== undefined) args.push("--only", flags.only);
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const limit = () => setTimeout(() => child.kill("SIGKILL"), 1_000 * Number(flags.limit));
  let timer = limit();
  let done = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    const { outcome, ms, heap } = JSON.parse(line);
    console.log(`| ${nameOf(indices[done++])} | ${outcome} | ${ms.join(", ")} | ${heap} |`);
    timer = limit();
  }
  clearTimeout(timer);
  const [code, signal] = await exit;
  if (code === 0) return done;
  console.log(`| ${nameOf(indices[done])} | did not end (${signal}) | | |`);
  return done + 1;
}

function nameOf(index) {
  return ATTACKS[index].name.replaceAll("|", "\\|");
}

function run({ schema }, tokenizer) {
  const given = schema();
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const ms = [];
  let last = process.cpuUsage();
  const lap = () => {
    const { user, system } = process.cpuUsage(last);
    ms.push(Math.round((user + system) / 1e3));
    last = process.cpuUsage();
  };
  let outcome = "compiled";
  try {
    let state = compile(given, tokenizer).start();
    lap();
    state.mask();
    lap();
    const draw = uniform(createRandom(1));
    for (let i = 0; i < 50 && !state.done && state.mask().count > 0; i++) state = state.advance(draw(state.mask()));
  } catch (thrown) {
    if (typeof thrown.code !== "string") throw thrown;
    outcome = `\`${thrown.code}\``;
  }
  lap();
  return { outcome, ms, heap: Math.round((process.memoryUsage().heapUsed - before) / 1e6) };
}
