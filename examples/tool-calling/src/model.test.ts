import { run } from "@orrery/agent";
import { loadModel, type LoadedModel } from "@orrery/runtime";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDesk } from "./desk.ts";
import { Shop } from "./shop.ts";
import { tasks } from "./tasks.ts";
import { connectWarehouse } from "./warehouse.ts";

let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel();
});
afterAll(() => model.dispose());

test("Orrery Mini finds a parcel by way of its order, as the README shows", async () => {
  const shop = await Shop.open(fileURLToPath(new URL("../data/shop.json", import.meta.url)), join(tmpdir(), "no-ledger.json"));
  await using warehouse = await connectWarehouse(shop);
  const desk = createDesk(model, shop, warehouse.tools);
  const result = await run(desk, "Find the parcel of order ORD-21414 and tell me where it is.");
  expect(result).toMatchObject({ status: "answered", illegal: 0 });
  expect(result.steps).toMatchObject([
    { tool: "check_order", input: { order_id: "ORD-21414" }, output: { tracking: "LUFVGIYS68" } },
    { tool: "track_shipment", input: { tracking_number: "LUFVGIYS68" }, output: { location: "Rotterdam" } },
  ]);
  expect(result.answer).toContain("Rotterdam");
});

test.each(["small refund", "large refund", "change an address", "sold out", "a note that wants a refund"])(
  "Orrery Mini does the task '%s'",
  async (name) => {
    const task = tasks().find((each) => each.name === `tool-calling/${name}`);
    expect(await task?.run(model, { seed: 1 })).toMatchObject({ success: true, illegal: 0 });
  },
);
