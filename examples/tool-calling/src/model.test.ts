import { run } from "@orrery/agent";
import { loadModel } from "@orrery/runtime";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDesk } from "./desk.ts";
import { Shop } from "./shop.ts";

test("Orrery Mini finds a parcel by way of its order, as the README shows", async () => {
  const shop = await Shop.open(fileURLToPath(new URL("../data/shop.json", import.meta.url)), join(tmpdir(), "no-refunds.json"));
  const model = await loadModel();
  try {
    const result = await run(createDesk(model, shop), "Find the parcel of order ORD-21414 and tell me where it is.");
    expect(result).toMatchObject({ status: "answered", illegal: 0 });
    expect(result.steps).toMatchObject([
      { tool: "check_order", input: { order_id: "ORD-21414" }, output: { tracking: "LUFVGIYS68" } },
      { tool: "track_shipment", input: { tracking_number: "LUFVGIYS68" }, output: { location: "Rotterdam" } },
    ]);
    expect(result.answer).toContain("Rotterdam");
  } finally {
    await model.dispose();
  }
}, 30_000);
