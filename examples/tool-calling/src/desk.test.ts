import { run } from "@orrery/agent";
import type { JsonSchema } from "@orrery/chat";
import { scriptedModel, type ScriptedReply } from "@orrery/chat/testing";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createDesk } from "./desk.ts";
import { Shop } from "./shop.ts";

let folder: string;
let shop: Shop;
const open = (): Promise<Shop> => Shop.open(fileURLToPath(new URL("../data/shop.json", import.meta.url)), join(folder, "ledger.json"));

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
  expect(legal(0)).toEqual(["check_order", "delivery_days", "issue_refund"]);
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

test("a customer is found by name, and shipping is told, for what was named", async () => {
  const model = scriptedModel([call("find_customer", { name: "Jonas Weber" }), call("shipping_cost", { country: "Norway" }), "Done."]);
  const result = await run(createDesk(model, shop), "Which orders has jonas weber, and what is shipping to Norway?");
  expect(result.steps.map(({ output }) => output)).toEqual([{ orders: ["ORD-21415", "GIFT-30071"] }, { cost: 14.9, currency: "EUR" }]);
  expect(model.requests[0]?.moves?.calls.map(({ name }) => name)).toEqual(["find_customer", "shipping_cost"]);
  expect(model.requests[1]?.moves?.calls.map(({ name }) => name)).toContain("cancel_order");
});

/** What a model may do first when it is told this. */
async function movesOf(task: string): Promise<ReadonlyMap<string, JsonSchema>> {
  const model = scriptedModel(["No."]);
  await run(createDesk(model, shop), task);
  return new Map(model.requests[0]?.moves?.calls.map(({ name, input }) => [name, input]));
}

test("a refund is a legal move only for an order that was named, and up to what is left of it", async () => {
  expect((await movesOf("Refund it")).has("issue_refund")).toBe(false);
  const refundIn = async () => (await movesOf("Refund ORD-21414")).get("issue_refund")?.["properties"];
  expect(await refundIn()).toMatchObject({ order: { enum: ["ORD-21414"] }, amount: { maximum: 59.9 } });
  await shop.refund("ORD-21414", 20);
  expect(await refundIn()).toMatchObject({ amount: { maximum: 39.9 } });
  await shop.refund("ORD-21414", 39.9);
  expect(await refundIn()).toBeUndefined();
});

test("only what has not shipped can be cancelled or sent elsewhere, and only to an address that the user wrote", async () => {
  const address = "to 12 Hill Road, Oslo";
  expect((await movesOf(`Send ORD-21414 ${address}, or cancel it`)).has("cancel_order")).toBe(false);
  expect((await movesOf(`Send ORD-21414 ${address}`)).has("change_address")).toBe(false);
  expect((await movesOf("Send ORD-21415 somewhere else")).has("change_address")).toBe(false);
  const legal = await movesOf(`Send ORD-21415 ${address}`);
  expect(legal.get("cancel_order")?.["properties"]).toMatchObject({ order_id: { enum: ["ORD-21415"] } });
  expect(legal.get("change_address")?.["properties"]).toMatchObject({
    order_id: { enum: ["ORD-21415"] },
    address: { substringOf: `Send ORD-21415 ${address}` },
  });
});

test("a cancelled order is cancelled for good, and in the same turn too", async () => {
  const cancel = call("cancel_order", { order_id: "ORD-21415" });
  const move = call("change_address", { order_id: "ORD-21415", address: "12 Hill Road, Oslo" });
  const task = "Cancel ORD-21415, or send it to 12 Hill Road, Oslo";
  const model = scriptedModel([cancel, "Done."]);
  const result = await run(createDesk(model, shop), task, { approve: () => true });
  expect(result.steps[0]?.output).toEqual({ order_id: "ORD-21415", status: "cancelled" });
  expect(model.requests[1]?.moves?.calls.map(({ name }) => name)).not.toContain("change_address");
  shop = await open();
  expect(shop.order("ORD-21415").status).toBe("cancelled");
  await expect(shop.sendTo("ORD-21415", "Oslo 1, Oslo")).rejects.toMatchObject({ code: "shop/has-left" });
  expect((await run(createDesk(scriptedModel([move, "No."]), shop), task)).illegal).toBe(1);
});

test("a new address is kept", async () => {
  const change = call("change_address", { order_id: "ORD-21467", address: "12 Hill Road, Oslo" });
  const desk = createDesk(scriptedModel([change, "Done."]), shop);
  await run(desk, "ORD-21467 goes to 12 Hill Road, Oslo.", { approve: () => true });
  expect((await open()).order("ORD-21467").address).toBe("12 Hill Road, Oslo");
});

test("two changes at once are made one after the other", async () => {
  const made = await Promise.allSettled([shop.refund("ORD-21415", 10), shop.refund("ORD-21415", 10), shop.cancel("ORD-21415")]);
  expect(made.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await open()).order("ORD-21415")).toMatchObject({ left: 8, status: "cancelled" });
});

test("a model without a constraint that tries it anyway is refused", async () => {
  const model = scriptedModel([refund(10, "ORD-21415"), refund(1000), "I cannot refund that."]);
  const result = await run(createDesk(model, shop), "Refund 1000 for ORD-21414", { approve: () => true });
  expect(result).toMatchObject({ status: "answered", illegal: 2, steps: [] });
  await expect(readFile(join(folder, "ledger.json"))).rejects.toThrow("ENOENT");
});

test("a gift card is never refunded: the call is no move, whoever would allow it", async () => {
  expect((await movesOf("Refund 20 for GIFT-30071")).has("issue_refund")).toBe(false);
  const both = await movesOf("Refund 20 for GIFT-30071 or ORD-21414");
  expect(JSON.stringify(both.get("issue_refund"))).not.toContain("GIFT-30071");
  const model = scriptedModel([refund(20, "GIFT-30071"), "No."]);
  const result = await run(createDesk(model, shop), "Refund 20 for GIFT-30071 or ORD-21414", { approve: () => true });
  expect(result).toMatchObject({ illegal: 1, steps: [] });
});

test("a small refund needs nobody, a larger one waits for a person and is kept", async () => {
  const asked: unknown[] = [];
  const approve = (made: { readonly input: unknown }): boolean => asked.push(made.input) > 0;
  const small = await run(createDesk(scriptedModel([refund(25), "Refunded."]), shop), "Refund 25 for ORD-21414", { approve });
  expect([asked, small.steps[0]?.output]).toEqual([[], { status: "refunded", amount: 25, left: 34.9 }]);
  const large = await run(createDesk(scriptedModel([refund(25.5), "Refunded."]), shop), "Refund 25.5 for ORD-21414", { approve });
  expect(asked).toEqual([{ order: "ORD-21414", amount: 25.5 }]);
  expect(large.steps[0]?.output).toEqual({ status: "refunded", amount: 25.5, left: 9.4 });
  expect((await open()).order("ORD-21414").left).toBe(9.4);
  await expect(shop.refund("ORD-21414", 9.41)).rejects.toMatchObject({ message: "at most 9.4 EUR can be refunded for ORD-21414" });
});

test("a refund that nobody allowed changes nothing", async () => {
  const task = "Refund 40 for ORD-21414";
  const denied = await run(createDesk(scriptedModel([refund(40), "I was not allowed to."]), shop), task, { approve: () => false });
  expect(denied.steps[0]?.error?.code).toBe("tool/denied");
  await expect(readFile(join(folder, "ledger.json"))).rejects.toThrow("ENOENT");
  expect((await run(createDesk(scriptedModel([refund(40)]), shop), task)).status).toBe("waiting");
});
