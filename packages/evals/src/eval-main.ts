/** `npm run eval [-- file.jsonl …] [--model dir] [--json] [--limit n] [--turns]`: how well a model calls tools. Exit code 1 on errors. */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { OrreryError } from "@orrery/chat";
import { loadModel } from "@orrery/runtime";
import { readConversations } from "./conversation.ts";
import { evaluate, MEASURES, MEASURE_TITLES, type EvalResult } from "./eval.ts";
import type { Share } from "./wilson.ts";

const DEFAULT_FILES = ["eval_unseen.jsonl", "eval_seen.jsonl"].map((name) => new URL(`../data/${name}`, import.meta.url));

const percent = (x: number): string => (100 * x).toFixed(1).padStart(5);
const interval = (s: Share): string => (s.n === 0 ? "     –" : `${percent(s.share)} [${percent(s.low)}, ${percent(s.high)}]`);

function table(name: string, result: EvalResult): string {
  const rows = MEASURES.map(
    (m) => `  ${MEASURE_TITLES[m].padEnd(27)} ${String(result.measures[m].n).padStart(5)}   ${interval(result.measures[m])}`,
  );
  return [
    `${name}: ${result.turns} model turns, ${result.seconds.toFixed(0)} s`,
    `  ${"".padEnd(27)} ${"n".padStart(5)}   per cent [95 % interval]`,
    ...rows,
    `  probability masked per token ${percent(result.maskedMass)} %, forced tokens ${percent(result.forcedShare)} %`,
  ].join("\n");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: "string" },
      json: { type: "boolean", default: false },
      turns: { type: "boolean", default: false },
      limit: { type: "string", default: "1000000" },
    },
  });
  const limit = Number(values.limit);
  if (!(Number.isSafeInteger(limit) && limit >= 1))
    throw new OrreryError("eval/bad-limit", `--limit is ${values.limit}, expected a whole number of at least 1`, {
      hint: "leave it out to run every conversation",
    });
  const files = positionals.length > 0 ? positionals : DEFAULT_FILES;
  const sets = files.map((file) => ({ name: basename(String(file)), conversations: readConversations(file, limit) }));
  const model = await loadModel(values.model);
  try {
    const results: Record<string, EvalResult> = {};
    for (const { name, conversations } of sets) {
      const result = await evaluate(model, conversations, (done, total) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${name} ${done}/${total} `);
      });
      if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
      results[name] = result;
      if (!values.json) console.log(table(name, result));
      if (values.turns && !values.json)
        for (const s of result.scores) console.log(`${(s.exact ?? s.decision) ? "+" : "-"} ${s.id} ${s.kind}: ${s.reply}`);
    }
    if (values.json) console.log(JSON.stringify({ model: model.id, results }));
  } finally {
    await model.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof OrreryError && error.hint) console.error(`hint: ${error.hint}`);
  process.exitCode = 1;
});
