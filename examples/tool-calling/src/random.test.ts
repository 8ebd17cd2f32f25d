import { run, type RunEvent } from "@orrery/agent";
import { randomModel } from "@orrery/agent/testing";
import type { ToolCall } from "@orrery/chat";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDesk, SMALL_REFUND } from "./desk.ts";
import { Shop } from "./shop.ts";
import { connectWarehouse } from "./warehouse.ts";

const GAMES = 200;
const TASK =
  "Jonas Weber and Luc Moreau write about ORD-21415, ORD-21433, ORD-21467, GIFT-30071, an office chair and a desk lamp.\n" +
  "What is it in dollars, and to Norway? The new address is 12 Hill Road, Oslo.";
const CHANGES = ["issue_refund", "cancel_order", "change_address"];

test(`${GAMES} games at random keep the rules of the house`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "orrery-desk-"));
  const open = (game: number) =>
    Shop.open(fileURLToPath(new URL("../data/shop.json", import.meta.url)), join(folder, `ledger-${game}.json`));
  await using warehouse = await connectWarehouse(await open(-1));
  const used = new Map<string, number>();
  let smallRefunds = 0;
  try {
    for (let game = 0; game < GAMES; game++) {
      const shop = await open(game);
      const asked: ToolCall[] = [];
      const made: { readonly call: ToolCall; readonly tainted: boolean }[] = [];
      let tainted = false;
      const onEvent = (event: RunEvent): void => {
        if (event.type === "tool-start") made.push({ call: event.call, tainted });
        if (event.type === "tool-end" && warehouse.tools.some(({ name }) => name === event.call.name)) tainted = true;
      };
      // Each third word of the person is no.
      const approve = (call: ToolCall): boolean => asked.push(call) % 3 !== 0;
      const result = await run(createDesk(randomModel(game), shop, warehouse.tools), TASK, { approve, onEvent });
      expect([result.status, result.illegal]).toEqual(["answered", 0]);

      for (const { call, tainted } of made) {
        const { name, input } = call;
        used.set(name, (used.get(name) ?? 0) + 1);
        if (!CHANGES.includes(name)) continue;
        const small = name === "issue_refund" && !tainted && Number(input["amount"]) <= SMALL_REFUND;
        if (small) smallRefunds++;
        expect(asked.some(({ id }) => id === call.id)).toBe(!small);
        expect(tainted && name !== "issue_refund").toBe(false);
        expect(String(input["order"])).not.toMatch(/^GIFT/);
        if (name === "change_address") expect(TASK).toContain(input["address"]);
      }
      for (const name of CHANGES) expect(result.steps.filter(({ tool }) => tool === name).length).toBeLessThanOrEqual(1);
      for (const id of shop.names.orders) expect(shop.order(id).left).toBeGreaterThanOrEqual(0);
      expect(shop.order("ORD-21433")).toMatchObject({ status: "shipped", address: "Rue Centrale 8, Lyon" });
      expect(shop.order("ORD-21414")).toMatchObject({ status: "shipped", left: 59.9 });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  expect([...used.keys()].sort()).toEqual(
    [
      "cancel_order",
      "change_address",
      "check_order",
      "check_stock",
      "currency_convert",
      "delivery_days",
      "find_customer",
      "issue_refund",
      "packing_notes",
      "restock_date",
      "shipping_cost",
      "track_shipment",
    ].sort(),
  );
  expect(smallRefunds).toBeGreaterThan(0);
});
