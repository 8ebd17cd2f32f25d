/**
 * The tools that only read. In: the shop. Out: seven tools. Law: each is a legal move only for what the conversation has mentioned: an
 * order, a customer, a parcel, a product, a country, a currency.
 */
import { tool, type Tool } from "@orrery/agent";
import { z } from "zod";
import { mentioned, oneOf } from "./said.ts";
import type { Shop } from "./shop.ts";

export function lookups(shop: Shop): readonly Tool[] {
  const { orders, customers, parcels, products, countries, currencyCodes, currencyNames } = shop.names;
  const currency = z.enum(currencyCodes);
  return [
    tool({
      name: "check_order",
      description: "Look up an order: status and tracking number.",
      input: z.object({ order_id: z.string().describe("Order number") }),
      narrow: (context) => oneOf("order_id", mentioned(context, orders)),
      run({ order_id }) {
        const { id, status, tracking, total } = shop.order(order_id);
        return { order_id: id, status, ...(tracking === null ? {} : { tracking }), total };
      },
    }),
    tool({
      name: "find_customer",
      description: "Look up the orders of a customer by name.",
      input: z.object({ name: z.string().describe("Full name") }),
      narrow: (context) => oneOf("name", mentioned(context, customers)),
      run: ({ name }) => ({ orders: [...shop.ordersOf(name)] }),
    }),
    tool({
      name: "track_shipment",
      description: "Track a parcel by tracking number.",
      input: z.object({ tracking_number: z.string().describe("Tracking number") }),
      narrow: (context) => oneOf("tracking_number", mentioned(context, parcels)),
      run({ tracking_number }) {
        const { location, eta } = shop.parcel(tracking_number);
        return { location, eta };
      },
    }),
    tool({
      name: "delivery_days",
      description: "Number of days until an order is delivered.",
      input: z.object({ order_id: z.string().describe("Order number") }),
      narrow: (context) => oneOf("order_id", mentioned(context, orders)),
      run: ({ order_id }) => ({ ...shop.daysToDelivery(order_id) }),
    }),
    tool({
      name: "check_stock",
      description: "Units in stock for a product.",
      input: z.object({ product: z.string().describe("Product name") }),
      narrow: (context) => oneOf("product", mentioned(context, products)),
      run({ product }) {
        const { units, price } = shop.product(product);
        return { units, price };
      },
    }),
    tool({
      name: "shipping_cost",
      description: "Price of shipping a parcel to a country.",
      input: z.object({ country: z.string().describe("Country") }),
      narrow: (context) => oneOf("country", mentioned(context, countries)),
      run: ({ country }) => ({ cost: shop.shipping(country).cost, currency: shop.currency }),
    }),
    tool({
      name: "currency_convert",
      description: "Convert money between currencies.",
      input: z.object({
        amount: z.number().meta({ description: "Amount of money", copyFrom: "conversation" }),
        from: currency,
        to: currency,
      }),
      when: (context) => mentioned(context, [...currencyCodes, ...currencyNames]).length > 0,
      run: ({ amount, from, to }) => ({ amount: shop.convert(amount, from, to), currency: to }),
    }),
  ];
}
