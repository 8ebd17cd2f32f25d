import { collectReply, NO_STATS, NO_USAGE, type ChatModel } from "@orrery/chat";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt } from "./compare.ts";
import { report } from "./report.ts";
import { readTasks, type AgentTask } from "./tasks.ts";

const model: ChatModel = {
  id: "m",
  contextLength: 100,
  async *stream() {
    await Promise.resolve();
    yield { type: "finish", reason: "stop", usage: NO_USAGE, stats: { ...NO_STATS, maskedMass: 0.5, sampledTokens: 4 } };
  },
};
const task = (name: string, success: boolean, asks = 1): AgentTask => ({
  name,
  run: async (model) => {
    for (let i = 0; i < asks; i++) await collectReply(model.stream({ messages: [] }));
    return { success, steps: asks, illegal: success ? 0 : 2 };
  },
});

test("tasks are counted, also one that throws, and what the mask removed is that of their replies", async () => {
  const broken: AgentTask = { name: "broken", run: () => Promise.reject(new Error("no such folder")) };
  const result = await attempt(model, [task("a", true, 3), task("b", false), broken]);
  expect(result).toMatchObject({ success: { hits: 1, n: 3 }, illegal: 2, meanSteps: 4 / 3, maskedMass: 1 / 3 });
  expect(result.attempts[2]).toMatchObject({ success: false, error: "no such folder", maskedMass: 0 });
});

test("the table has a line for each form, and one for all", async () => {
  const masked = await attempt(model, [task("a", true), task("b", true)]);
  const unmasked = await attempt(model, [task("a", true), task("b", false)]);
  const lines = report([
    { name: "one", masked, unmasked },
    { name: "two", masked, unmasked },
  ]).split("\n");
  expect(lines).toHaveLength(7);
  expect(lines[1]).toMatch(/^one +mask +2 100 \[34, 100\] +1\.0 +0 +50\.0$/);
  expect(lines[6]).toMatch(/^ +no mask +4 +50 \[15, 85\] +1\.0 +4 +50\.0$/);
});

test("a file without tasks says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "orrery-tasks-"));
  try {
    for (const text of ["export const tasks = 3;", "export const tasks = () => [];", "export const tasks = () => [{}];", "syntax error"]) {
      const file = join(folder, `${text.length}.mjs`);
      await writeFile(file, text);
      await expect(readTasks(file)).rejects.toMatchObject({ code: "eval/no-tasks", hint: expect.any(String) });
    }
    await expect(readTasks(join(folder, "missing.mjs"))).rejects.toMatchObject({ code: "eval/no-tasks" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
