/**
 * `npm run measure -w examples/coding-assistant`: all tasks on the embedded model; `-- --random`: on a player that takes any legal move,
 * which shows what the chart does alone; `-- --games 5`: each task with five seeds. Out: a line a task, and shares with 95 % intervals.
 */
import { randomModel } from "@orrery/agent/testing";
import { loadModel } from "@orrery/runtime";
import { parseArgs } from "node:util";
import { tasks, type TaskResult } from "./tasks.ts";

const { values } = parseArgs({ options: { random: { type: "boolean", default: false }, games: { type: "string", default: "1" } } });
const games = Math.max(1, Math.trunc(Number(values.games)) || 1);
const embedded = values.random ? undefined : await loadModel();
const results: (TaskResult & { readonly kind: string })[] = [];
for (const [index, task] of tasks().entries())
  for (let seed = 1; seed <= games; seed++) {
    const result = await task.run(embedded ?? randomModel(1000 * index + seed), { seed });
    results.push({ ...result, kind: task.name.split("/")[1] ?? "" });
    console.log(
      `${result.success ? "✓" : "✗"} ${task.name}  ${result.steps} decisions, ${result.illegal} illegal${result.success && !result.same ? ", not the original code" : ""}`,
    );
  }
await embedded?.dispose();

for (const kind of ["told", "found", ""]) {
  const some = results.filter((each) => kind === "" || each.kind === kind);
  const hits = some.filter(({ success }) => success).length;
  const steps = some.reduce((sum, each) => sum + each.steps, 0) / some.length;
  const same = some.filter(({ same }) => same).length;
  const illegal = some.reduce((sum, each) => sum + each.illegal, 0);
  const [low, high] = wilson(hits, some.length);
  console.log(
    `${(kind || "all").padEnd(6)} ${hits} of ${some.length}: ${percent(hits / some.length)} % [${percent(low)}, ${percent(high)}], ${steps.toFixed(1)} decisions, ${illegal} illegal, ${same} the original code`,
  );
}

/** The score interval of Wilson (1927), 95 %. */
function wilson(hits: number, n: number): readonly [number, number] {
  const z = 1.959964;
  const p = hits / n;
  const centre = (p + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
