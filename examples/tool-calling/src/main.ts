/** `npm start -w examples/tool-calling -- "task"`: the desk on the command line. */
import { stream } from "@orrery/agent";
import type { ToolCall } from "@orrery/chat";
import { loadModel } from "@orrery/runtime";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { createDesk } from "./desk.ts";
import { Shop } from "./shop.ts";
import { connectWarehouse } from "./warehouse.ts";

const data = (name: string): string => fileURLToPath(new URL(`../data/${name}`, import.meta.url));
const task = process.argv.slice(2).join(" ") || "Find the parcel of order ORD-21414 and tell me where it is.";

const cancel = new AbortController();
process.once("SIGINT", () => cancel.abort());

async function approve({ name, input }: ToolCall): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.log(`? ${name} ${JSON.stringify(input)}: denied, there is nobody to ask`);
    return false;
  }
  const keyboard = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await keyboard.question(`? ${name} ${JSON.stringify(input)} [y/N] `, { signal: cancel.signal })).trim());
  } finally {
    keyboard.close();
  }
}

console.log(`» ${task}`);
const model = await loadModel();
try {
  const shop = await Shop.open(data("shop.json"), data("ledger.json"));
  await using warehouse = await connectWarehouse(shop);
  const desk = createDesk(model, shop, warehouse.tools);
  for await (const event of stream(desk, task, { approve, signal: cancel.signal })) {
    if (event.type === "tool-end")
      console.log(`▸ ${event.call.name} ${JSON.stringify(event.call.input)} → ${JSON.stringify(event.output)}`);
    if (event.type === "tool-error") console.log(`▸ ${event.call.name} ${JSON.stringify(event.call.input)} ✗ ${event.error.message}`);
    if (event.type !== "finish") continue;
    const { status, answer, error } = event.result;
    console.log(status === "answered" ? answer : `${status}${error ? `: ${error.message}` : ""}`);
    process.exitCode = status === "answered" ? 0 : 1;
  }
} finally {
  await model.dispose();
}
