/**
 * `npm run eval [-- file.jsonl …] [--model dir] [--json] [--limit n] [--turns] [--copy-bias x …] [--call-offset x …]`: how well a model
 * calls tools. An option given several times is measured with each value, also combined with the other's. With `--agents`: whole tasks,
 * see agents/command.ts. Exit code 1 on errors.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { OrreryError, type Sampling } from "@orrery/chat";
import { loadModel } from "@orrery/runtime";
import { evalAgents } from "./agents/command.ts";
import { endProgress, progress } from "./progress.ts";
import { conversationLimit, readConversations } from "./conversation.ts";
import { evaluate, MEASURES, MEASURE_TITLES, type EvalResult } from "./eval.ts";
import type { Share } from "./wilson.ts";

const DEFAULT_FILES = ["eval_unseen.jsonl", "eval_seen.jsonl"].map((name) => new URL(`../data/${name}`, import.meta.url));

const percent = (x: number): string => (100 * x).toFixed(1).padStart(5);
const interval = (s: Share): string => (s.n === 0 ? "     –" : `${percent(s.share)} [${percent(s.low)}, ${percent(s.high)}]`);

/** Every combination of the values that an option was given; where it was given none, the model's own. */
function settingsOf(copyBias: readonly string[], callOffset: readonly string[]): Sampling[] {
  const biases = copyBias.length > 0 ? copyBias.map((x) => ({ copyBias: Number(x) })) : [{}];
  const offsets = callOffset.length > 0 ? callOffset.map((x) => ({ callOffset: Number(x) })) : [{}];
  return biases.flatMap((bias) => offsets.map((offset) => ({ ...bias, ...offset })));
}

const label = (sampling: Sampling): string =>
  Object.entries(sampling)
    .map(([name, value]) => ` ${name}=${value}`)
    .join("");

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
      agents: { type: "boolean", default: false },
      "masked-only": { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      "copy-bias": { type: "string", multiple: true, default: [] },
      "call-offset": { type: "string", multiple: true, default: [] },
    },
  });
  const limit = conversationLimit(values.limit);
  if (values.agents) {
    const { model, json, turns, seed, "masked-only": maskedOnly } = values;
    return evalAgents({ files: positionals, model, limit, seed: Number(seed), maskedOnly, json, turns });
  }
  const settings = settingsOf(values["copy-bias"], values["call-offset"]);
  const files = positionals.length > 0 ? positionals : DEFAULT_FILES;
  const sets = files.map((file) => ({ name: basename(String(file)), conversations: readConversations(file, limit) }));
  const model = await loadModel(values.model);
  try {
    const results: Record<string, EvalResult> = {};
    for (const { name, conversations } of sets) {
      const measured = await evaluate(model, conversations, { settings, onTurn: progress(name) });
      endProgress();
      for (const [i, result] of measured.entries()) {
        const title = `${name}${label(settings[i]!)}`;
        results[title] = result;
        if (values.json) continue;
        console.log(table(title, result));
        if (values.turns)
          for (const s of result.scores) console.log(`${(s.exact ?? s.decision) ? "+" : "-"} ${s.id} ${s.kind}: ${s.reply}`);
      }
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
