/**
 * The tools that change something. In: the shop. Out: three tools, and what their calls teach the chart. Law: each is a legal move only
 * for an order that the conversation has mentioned and whose standing allows it, and once a turn: a model that was denied does not ask
 * again. A refund is never more than is left; an address is the user's own words.
 */
import { tool, type Learn, type MoveContext, type Tool } from "@orrery/agent";
import { isJsonObject, type JsonObject, type JsonSchema } from "@orrery/chat";
import { z } from "zod";
import { mentioned, oneOf, usersWords } from "./said.ts";
import type { Shop } from "./shop.ts";

/** On one line: a street with its number, a comma, a place. */
const ADDRESS = /^[^\n]*\d[^\n]*, [^\n]+$/;

export function changes(shop: Shop): readonly Tool[] {
  return [
    tool({
      name: "issue_refund",
      description: "Refund an amount for an order.",
      input: z.object({
        order: z.string().describe("Order number"),
        amount: z.number().positive().meta({ description: "Amount to refund", copyFrom: "conversation" }),
      }),
      effects: "write",
      narrow: once("issue_refund", (context) => {
        const branches = standing(context).flatMap(({ id, left }) =>
          left > 0 ? [{ properties: { order: { enum: [id] }, amount: { maximum: left } } }] : [],
        );
        return branches.length > 1 ? { anyOf: branches } : (branches[0] ?? false);
      }),
      async run({ order, amount }) {
        const { left } = await shop.refund(order, amount);
        return { status: "refunded", amount, left };
      },
    }),
    tool({
      name: "cancel_order",
      description: "Cancel an order that has not shipped.",
      input: z.object({ order_id: z.string().describe("Order number") }),
      effects: "write",
      narrow: once("cancel_order", (context) => oneOf("order_id", stillHere(context))),
      async run({ order_id }) {
        const { status } = await shop.cancel(order_id);
        return { order_id, status };
      },
    }),
    tool({
      name: "change_address",
      description: "Change the address of an order that has not shipped.",
      input: z.object({
        order_id: z.string().describe("Order number"),
        address: z.string().max(100).regex(ADDRESS).meta({ description: "New address", copyFrom: "conversation" }),
      }),
      effects: "write",
      narrow: once("change_address", (context) => {
        const here = stillHere(context);
        const words = usersWords(context);
        if (here.length === 0 || !words.split("\n").some((line) => ADDRESS.test(line))) return false;
        return { properties: { order_id: { enum: here }, address: { substringOf: words } } };
      }),
      async run({ order_id, address }) {
        const changed = await shop.sendTo(order_id, address);
        return { order_id, address: changed.address };
      },
    }),
  ];
}

/** What the chart keeps: how each order stands, as the shop had it when the turn began and as the turn has changed it. */
export function standings(shop: Shop): JsonObject {
  return Object.fromEntries(
    shop.names.orders.map((id) => {
      const { status, left } = shop.order(id);
      return [id, { status, left }];
    }),
  );
}

export const learn: Learn = {
  issue_refund: (facts, { input, output }) => (isJsonObject(output) ? changed(facts, input["order"], { left: output["left"] }) : facts),
  cancel_order: (facts, { input, output }) =>
    isJsonObject(output) ? changed(facts, input["order_id"], { status: output["status"] }) : facts,
};

function changed(facts: JsonObject, order: unknown, change: JsonObject): JsonObject {
  const id = String(order);
  const before = facts[id];
  return isJsonObject(before) ? { ...facts, [id]: { ...before, ...change } } : facts;
}

interface Standing {
  readonly id: string;
  readonly status: string;
  /** What can still be refunded. */
  readonly left: number;
}

/** The orders that the conversation has mentioned. */
function standing(context: MoveContext): readonly Standing[] {
  const { facts } = context;
  return mentioned(context, Object.keys(facts)).flatMap((id) => {
    const found = facts[id];
    return isJsonObject(found) ? [{ id, status: String(found["status"]), left: Number(found["left"]) }] : [];
  });
}

function stillHere(context: MoveContext): readonly string[] {
  return standing(context).flatMap(({ id, status }) => (status === "packed" ? [id] : []));
}

function once(name: string, narrow: (context: MoveContext) => JsonSchema | false) {
  return (context: MoveContext): JsonSchema | false => !context.steps.some(({ tool: made }) => made === name) && narrow(context);
}
