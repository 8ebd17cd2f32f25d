import { loadModel } from "@orrery/runtime";
import { tasks } from "./index.ts";

test("Orrery Mini mends the bug of the README", async () => {
  const model = await loadModel();
  try {
    const task = tasks().find(({ name }) => name === "coding-assistant/told/free-shipping")!;
    expect(await task.run(model, { seed: 1 })).toEqual({ success: true, steps: 5, illegal: 0, same: true });
  } finally {
    await model.dispose();
  }
}, 300_000);
