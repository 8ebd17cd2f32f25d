/**
 * The order desk: an agent with six tools over the shop. In: a model and the shop. Out: an agent. Its rules are guards of the chart,
 * so the model cannot break them: a tool is a legal move only for orders, parcels and products that the conversation has mentioned; a
 * refund only for an order that was looked up in the same turn, once, never for more than its total, and it waits for a person.
 */
import { createAgent, tool, type Agent, type MoveContext } from "@orrery/agent";
import { isJsonObject, type ChatModel, type JsonSchema } from "@orrery/chat";
import { z } from "zod";
import type { Shop } from "./shop.ts";

export function createDesk(model: ChatModel, shop: Shop): Agent {
  return createAgent({ model, tools: deskTools(shop), instructions: "You are a polite support agent." });
}

function deskTools(shop: Shop) {
  const { orders, parcels, products, currencyCodes, currencyNames } = shop.names;
  const currency = z.enum(currencyCodes);
  const checkOrder = tool({
    name: "check_order",
    description: "Look up an order: status and tracking number.",
    input: z.object({ order_id: z.string().describe("Order number") }),
    narrow: (context) => oneOf("order_id", mentioned(context, orders)),
    run({ order_id }) {
      const { id, status, tracking, total } = shop.order(order_id);
      return { order_id: id, status, ...(tracking === null ? {} : { tracking }), total };
    },
  });
  const trackShipment = tool({
    name: "track_shipment",
    description: "Track a parcel by tracking number.",
    input: z.object({ tracking_number: z.string().describe("Tracking number") }),
    narrow: (context) => oneOf("tracking_number", mentioned(context, parcels)),
    run({ tracking_number }) {
      const { location, eta } = shop.parcel(tracking_number);
      return { location, eta };
    },
  });
  const deliveryDays = tool({
    name: "delivery_days",
    description: "Number of days until an order is delivered.",
    input: z.object({ order_id: z.string().describe("Order number") }),
    narrow: (context) => oneOf("order_id", mentioned(context, orders)),
    run: ({ order_id }) => ({ ...shop.daysToDelivery(order_id) }),
  });
  const checkStock = tool({
    name: "check_stock",
    description: "Units in stock for a product.",
    input: z.object({ product: z.string().describe("Product name") }),
    narrow: (context) => oneOf("product", mentioned(context, products)),
    run({ product }) {
      const { units, price } = shop.product(product);
      return { units, price };
    },
  });
  const currencyConvert = tool({
    name: "currency_convert",
    description: "Convert money between currencies.",
    input: z.object({ amount: z.number().describe("Amount of money"), from: currency, to: currency }),
    when: (context) => mentioned(context, [...currencyCodes, ...currencyNames]).length > 0,
    run: ({ amount, from, to }) => ({ amount: shop.convert(amount, from, to), currency: to }),
  });
  const issueRefund = tool({
    name: "issue_refund",
    description: "Refund an amount for an order.",
    input: z.object({ order: z.string().describe("Order number"), amount: z.number().positive().describe("Amount to refund") }),
    effects: "write",
    narrow: refundable,
    async run({ order, amount }) {
      const refund = await shop.refund(order, amount);
      return { status: "refunded", amount, left: refund.left };
    },
  });
  return [checkOrder, trackShipment, deliveryDays, checkStock, currencyConvert, issueRefund];
}

/** The names that somebody has said: the user in this conversation, or a tool. Nothing else is a fact to act on. */
function mentioned({ messages }: MoveContext, names: readonly string[]): readonly string[] {
  const said = messages
    .flatMap((message) => (message.role === "user" ? [message.content] : message.role === "tool" ? [JSON.stringify(message.output)] : []))
    .join("\n")
    .toLowerCase();
  return names.filter((name) => said.includes(name.toLowerCase()));
}

/** A narrowing to a few values of one argument; with none, the tool is no legal move now. */
function oneOf(argument: string, values: readonly string[]): JsonSchema | false {
  return values.length > 0 && { properties: { [argument]: { enum: values } } };
}

/**
 * One branch for each order whose `check_order` succeeded in this turn: its number, and at most its total. One refund a turn: a model
 * that was denied does not ask again.
 */
function refundable({ steps }: MoveContext): JsonSchema | false {
  if (steps.some(({ tool: name }) => name === "issue_refund")) return false;
  const branches = steps.flatMap(({ tool: name, output }) => {
    if (name !== "check_order" || !isJsonObject(output)) return [];
    const { order_id: id, total } = output;
    return typeof id === "string" && typeof total === "number"
      ? [{ properties: { order: { enum: [id] }, amount: { maximum: total } } }]
      : [];
  });
  return branches.length > 1 ? { anyOf: branches } : (branches[0] ?? false);
}
