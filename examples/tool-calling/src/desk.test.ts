import { run } from "@orrery/agent";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDesk } from "./desk.ts";
import { Shop } from "./shop.ts";

let folder: string;
let shop: Shop;
const open = (): Promise<Shop> => Shop.open(fileURLToPath(new URL("../data/shop.json", import.meta.url)), join(folder, "refunds.json"));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-desk-"));
  shop = await open();
});
afterEach(() => rm(folder, { recursive: true }));

const call = (name: string, input: Record<string, string | number>): ScriptedReply => ({ calls: [{ name, input }] });
const check = call("check_order", { order_id: "ORD-21414" });
const refund = (amount: number, order = "ORD-21414"): ScriptedReply => call("issue_refund", { order, amount });

test("a parcel is found through its order", async () => {
  const model = scriptedModel([
    check,
    call("track_shipment", { tracking_number: "LUFVGIYS68" }),
    call("delivery_days", { order_id: "ORD-21414" }),
    "It is in Rotterdam and arrives in 3 days.",
  ]);
  const result = await run(createDesk(model, shop), "Where is ord-21414?");
  expect(result).toMatchObject({ status: "answered", illegal: 0 });
  expect(result.steps.map(({ output }) => output)).toEqual([
    { order_id: "ORD-21414", status: "shipped", tracking: "LUFVGIYS68", total: 59.9 },
    { location: "Rotterdam", eta: "2026-11-27" },
    { days: 3, eta: "2026-11-27" },
  ]);
});

test("stock and prices are told, and converted at the fixed rates", async () => {
  const model = scriptedModel([
    call("check_stock", { product: "desk lamp" }),
    call("currency_convert", { amount: 59.9, from: "EUR", to: "NOK" }),
    "14 lamps at 703.23 NOK.",
  ]);
  const result = await run(createDesk(model, shop), "Any desk lamps, and what is one in kroner?");
  expect(result.steps.map(({ output }) => output)).toEqual([
    { units: 14, price: 59.9 },
    { amount: 703.23, currency: "NOK" },
  ]);
});

test("a tool is a legal move only for what the conversation has mentioned", async () => {
  const model = scriptedModel([check, "It has shipped."]);
  const first = await run(createDesk(model, shop), "Where is ORD-21414?");
  const legal = (at: number): unknown => model.requests[at]?.moves?.calls.map(({ name }) => name);
  expect(legal(0)).toEqual(["check_order", "delivery_days"]);
  expect(legal(1)).toEqual(["check_order", "track_shipment", "delivery_days", "issue_refund"]);
  expect(model.requests[0]?.moves?.calls[0]?.input["properties"]).toMatchObject({ order_id: { enum: ["ORD-21414"] } });
  const next = scriptedModel(["There are 14."]);
  await run(createDesk(next, shop), "And are desk lamps in stock?", { messages: first.messages });
  expect(next.requests[0]?.moves?.calls.map(({ name }) => name)).toContain("check_stock");
});

test("what has not happened is an error that the model can read", async () => {
  const result = await run(
    createDesk(scriptedModel([call("delivery_days", { order_id: "ORD-21415" }), "Not yet."]), shop),
    "When does ORD-21415 come?",
  );
  expect(result.steps[0]?.error?.message).toBe("order ORD-21415 has not shipped (packed)");
  expect(() => shop.order("ORD-1")).toThrow("order not found: ORD-1");
  expect(() => shop.convert(1, "EUR", "__proto__")).toThrow("no rate for __proto__");
});

test("a refund is a legal move only after its order was looked up, and only up to its total", async () => {
  const model = scriptedModel([check, "Done."]);
  await run(createDesk(model, shop), "Refund ORD-21414");
  const [before, after] = model.requests.map(({ moves }) => moves?.calls.find(({ name }) => name === "issue_refund"));
  expect(before).toBeUndefined();
  expect(after?.input["properties"]).toMatchObject({ order: { enum: ["ORD-21414"] }, amount: { maximum: 59.9 } });
});

test("a model without a constraint that tries it anyway is refused", async () => {
  const model = scriptedModel([refund(10), check, refund(1000), "I cannot refund that."]);
  const result = await run(createDesk(model, shop), "Refund 1000 for ORD-21414", { approve: () => true });
  expect(result).toMatchObject({ status: "answered", illegal: 2 });
  expect(result.steps.map(({ tool }) => tool)).toEqual(["check_order"]);
  await expect(readFile(join(folder, "refunds.json"))).rejects.toThrow("ENOENT");
});

test("a refund waits for a person, and is kept", async () => {
  const asked: unknown[] = [];
  const approve = (made: { readonly input: unknown }): boolean => asked.push(made.input) > 0;
  const result = await run(createDesk(scriptedModel([check, refund(20), "Refunded."]), shop), "Refund 20 for ORD-21414", { approve });
  expect(asked).toEqual([{ order: "ORD-21414", amount: 20 }]);
  expect(result.steps[1]?.output).toEqual({ status: "refunded", amount: 20, left: 39.9 });
  shop = await open();
  const again = await run(createDesk(scriptedModel([check, refund(39.91), "No."]), shop), "Refund the rest of ORD-21414", { approve });
  expect(again.steps[1]?.error?.message).toBe("at most 39.9 EUR can be refunded for ORD-21414");
});

test("a refund that nobody allowed changes nothing", async () => {
  const result = await run(createDesk(scriptedModel([check, refund(20), "I was not allowed to."]), shop), "Refund 20 for ORD-21414", {
    approve: () => false,
  });
  expect(result.steps[1]?.error?.code).toBe("tool/denied");
  await expect(readFile(join(folder, "refunds.json"))).rejects.toThrow("ENOENT");
  const waiting = await run(createDesk(scriptedModel([check, refund(20)]), shop), "Refund 20 for ORD-21414");
  expect(waiting.status).toBe("waiting");
});
