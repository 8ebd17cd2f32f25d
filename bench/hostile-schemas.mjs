/**
 * What hostile schemas cost. In: the table of attacks that the tests have. Out: a table: attack | outcome | CPU ms to compile, to the first
 * mask, and of fifty tokens of a random reply | heap MB. Each attack has a process of its own, that is ended after --limit seconds.
 *
 *   node bench/hostile-schemas.mjs [--only text] [--limit 60]
 */
import { spawnSync } from "node:child_process";
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
if (flags.attack !== undefined) console.log(JSON.stringify(run(ATTACKS[Number(flags.attack)])));
else {
  console.log("| attack | outcome | CPU ms: compile, first mask, 50 tokens | heap MB |\n|---|---|---|---|");
  for (const [index, { name }] of ATTACKS.entries()) {
    if (flags.only !== undefined && !name.includes(flags.only)) continue;
    const args = ["--max-old-space-size=2048", process.argv[1], "--attack", String(index)];
    const { stdout, signal } = spawnSync(process.execPath, args, {
      encoding: "utf8",
      timeout: 1_000 * Number(flags.limit),
      killSignal: "SIGKILL",
    });
    if (stdout === "") console.log(`| ${name} | did not end (${signal}) | | |`);
    else {
      const { outcome, ms, heap } = JSON.parse(stdout);
      console.log(`| ${name.replaceAll("|", "\\|")} | ${outcome} | ${ms.join(", ")} | ${heap} |`);
    }
  }
}

function run({ schema }) {
  const tokenizer = miniTokenizer();
  trieOf(tokenizer);
  const given = schema();
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
