/**
 * `npm run fit [-- file.jsonl …] [--model dir] [--limit n]`: the offset between calling and answering, and the copy bias, that
 * conversations ask for; default those with tools of the model's training. Out: what each changes, with intervals, and the lines for
 * manifest.json. Give it no conversations whose tools are to be unseen. Exit code 1 on errors.
 */
import { parseArgs } from "node:util";
import { OrreryError } from "@orrery/chat";
import { loadModel } from "@orrery/runtime";
import { callMargins, fitOffset } from "./call-offset-fit.ts";
import { conversationLimit, readConversations } from "./conversation.ts";
import { fitCopyBias, STRENGTHS } from "./copy-bias-fit.ts";
import { endProgress, progress } from "./progress.ts";
import type { Share } from "./wilson.ts";

const TRAINING_TOOLS = [new URL("../data/eval_seen.jsonl", import.meta.url)];
const percent = (x: number): string => (100 * x).toFixed(1);
const show = ({ hits, n, share, low, high }: Share): string => `${hits} of ${n}, ${percent(share)} % [${percent(low)}, ${percent(high)}]`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { model: { type: "string" }, limit: { type: "string", default: "1000000" } },
  });
  const limit = conversationLimit(values.limit);
  const files = positionals.length > 0 ? positionals : TRAINING_TOOLS;
  const conversations = files.flatMap((file) => readConversations(file, limit));
  const model = await loadModel(values.model);
  try {
    const { offset, before, after, crossValidated } = fitOffset(await callMargins(model, conversations, progress("margins")));
    endProgress();
    console.log(
      `call or answer right: ${show(before)}; with offset ${offset}: ${show(after)}; fitted on other conversations: ${show(crossValidated)}`,
    );

    const { asTheyAre, renamed, copyBias } = await fitCopyBias(model, conversations, progress("calls"));
    endProgress();
    for (const [i, strength] of STRENGTHS.entries())
      console.log(`whole call exact, copy bias ${strength}: ${show(asTheyAre[i]!)}; with other names: ${show(renamed[i]!)}`);
    console.log(`manifest.json: "sampling": ${JSON.stringify({ copyBias, callOffset: offset })}`);
  } finally {
    await model.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof OrreryError && error.hint) console.error(`hint: ${error.hint}`);
  process.exitCode = 1;
});
