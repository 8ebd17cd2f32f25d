/**
 * `npm run eval -- --agents [file.js …] [--masked-only] [--limit n] [--seed n] [--json] [--turns]`: whole tasks of the products in
 * `examples/`, or of modules that export `tasks()`, by a model under the mask and by the same model without it.
 */
import { loadModel } from "@orrery/runtime";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { endProgress, progress } from "../progress.ts";
import { attempt } from "./compare.ts";
import { report, type Compared } from "./report.ts";
import { readTasks } from "./tasks.ts";

export interface AgentsOptions {
  readonly files: readonly string[];
  readonly model: string | undefined;
  readonly limit: number;
  readonly seed: number;
  readonly maskedOnly: boolean;
  readonly json: boolean;
  /** Also each task. */
  readonly turns: boolean;
}

/** @throws OrreryError `eval/no-tasks`, and what loading the model throws */
export async function evalAgents({ files, model: source, limit, seed, maskedOnly, json, turns }: AgentsOptions): Promise<void> {
  const named = files.length > 0 ? files : products();
  const sets = [];
  for (const file of named) sets.push({ name: nameOf(file), tasks: (await readTasks(file)).slice(0, limit) });
  // All logits at every step: what the mask removed is then known of each token.
  const model = await loadModel(source, { features: { sparseHead: false } });
  try {
    const compared: Compared[] = [];
    for (const { name, tasks } of sets) {
      const masked = await attempt(model, tasks, { seed, onTask: progress(`${name}, mask`) });
      const unmasked = maskedOnly ? null : await attempt(model.unconstrained(), tasks, { seed, onTask: progress(`${name}, no mask`) });
      endProgress();
      compared.push({ name, masked, unmasked });
    }
    if (json) return console.log(JSON.stringify({ model: model.id, seed, compared }));
    console.log(report(compared));
    if (turns)
      for (const { masked, unmasked } of compared)
        for (const [i, one] of masked.attempts.entries()) {
          const mark = [one, unmasked?.attempts[i]].map((tried) => (tried ? (tried.success ? "+" : "-") : " ")).join("");
          console.log(`${mark} ${one.name}: ${one.steps} decisions, ${one.seconds.toFixed(1)} s${one.error ? `, ${one.error}` : ""}`);
        }
  } finally {
    await model.dispose();
  }
}

/** `examples/<name>/dist/tasks.js`, from the repository's root. */
function products(): readonly string[] {
  return readdirSync("examples")
    .map((name) => join("examples", name, "dist", "tasks.js"))
    .filter((file) => existsSync(file));
}

function nameOf(file: string): string {
  const folder = dirname(file);
  return basename(folder) === "dist" ? basename(dirname(folder)) : basename(file);
}
