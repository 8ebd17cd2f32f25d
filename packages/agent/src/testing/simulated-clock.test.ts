import type { Json } from "@orrery/chat";
import { scriptedModel } from "@orrery/chat/testing";
import { createAgent } from "../agent.ts";
import { run } from "../run.ts";
import { tool, type JsonToolDefinition } from "../tool.ts";
import { simulatedClock } from "./simulated-clock.ts";

const calling = { calls: [{ name: "fetch", input: {} }] };
const agentWith = (more: Partial<JsonToolDefinition>) =>
  createAgent({
    model: scriptedModel([calling, "done"]),
    tools: [tool({ name: "fetch", description: "Fetches.", input: { type: "object" }, run: () => new Promise<Json>(() => {}), ...more })],
  });

test("a tool that never returns fails at its limit, not before", async () => {
  const clock = simulatedClock();
  let ended = false;
  const running = run(agentWith({ timeoutMs: 60_000 }), "go", { clock }).finally(() => (ended = true));
  await clock.advance(59_999);
  expect(ended).toBe(false);
  await clock.advance(1);
  const result = await running;
  expect(result.steps).toMatchObject([{ tool: "fetch", error: { code: "tool/timeout" } }]);
  expect(result.timings).toMatchObject({ totalMs: 60_000, modelMs: 0, toolMs: 60_000 });
});

test("pauses between attempts double, each beginning when the attempt before has failed", async () => {
  const clock = simulatedClock();
  const at: number[] = [];
  const failing = agentWith({
    retry: { attempts: 4, delayMs: 1_000 },
    run: async (_, { signal }) => {
      at.push(clock.now());
      await clock.sleep(10, signal);
      throw new Error("busy");
    },
  });
  const result = await clock.until(run(failing, "go", { clock }));
  expect(at).toEqual([0, 1_010, 3_020, 7_030]);
  expect(result).toMatchObject({ status: "answered", timings: { toolMs: 7_040 } });
  expect(clock.pending).toBe(0);
});

test("`until` waits for what takes real time, and then goes on", async () => {
  const clock = simulatedClock();
  const work = (async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.sleep(1_000);
    return clock.now();
  })();
  await expect(clock.until(work)).resolves.toBe(1_000);
  await expect(clock.until(Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("timers fire in the order of their time, then of their making; one that is cleared does not", async () => {
  const clock = simulatedClock();
  const heard: string[] = [];
  const after = (name: string, ms: number) => clock.setTimeout(() => heard.push(`${name}@${clock.now()}`), ms);
  after("c", 20);
  after("a", 10);
  after("b", 10);
  clock.clearTimeout(after("never", 15));
  await clock.advance(15);
  expect(heard).toEqual(["a@10", "b@10"]);
  await clock.advance(100);
  expect(heard).toEqual(["a@10", "b@10", "c@20"]);
  expect(clock.now()).toBe(115);
});

test("a sleep ends with its signal, and leaves no timer", async () => {
  const clock = simulatedClock();
  const stop = new AbortController();
  const sleep = clock.sleep(1_000, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(sleep).rejects.toThrow("stopped");
  await expect(clock.sleep(1, stop.signal)).rejects.toThrow("stopped");
  expect(clock.pending).toBe(0);
});
