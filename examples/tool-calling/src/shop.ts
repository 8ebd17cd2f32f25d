/**
 * The shop's data: one JSON file that is read, and a ledger of changes that is written. In: file names. Out: lookups in plain objects,
 * changes included. Law: money is counted in whole cents; an order is never refunded beyond its total; only an order that is still
 * here can be cancelled or sent elsewhere.
 */
import { OrreryError } from "@orrery/chat";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Ledger, type Change } from "./ledger.ts";

const date = z.iso.date();
const money = z.number().nonnegative();

const shopSchema = z.object({
  /** The day the data was taken; deliveries are counted from it. */
  today: date,
  currency: z.string(),
  orders: z.array(
    z.object({
      id: z.string(),
      customer: z.string(),
      address: z.string(),
      status: z.enum(["packed", "shipped", "delivered", "cancelled"]),
      tracking: z.string().nullable(),
      total: money,
      items: z.array(z.object({ product: z.string(), quantity: z.int().positive() })),
    }),
  ),
  parcels: z.array(z.object({ tracking: z.string(), location: z.string(), eta: date })),
  products: z.array(z.object({ name: z.string(), price: money, units: z.int().nonnegative() })),
  /** From the shop, by country. */
  shipping: z.array(z.object({ country: z.string(), cost: money, days: z.int().positive() })),
  /** `rate`: units of this currency for one of the shop's own. */
  currencies: z.array(z.object({ code: z.string(), name: z.string(), rate: z.number().positive() })),
});

type ShopData = z.infer<typeof shopSchema>;
type Ordered = ShopData["orders"][number];
/** An order as it stands: with its changes, and `left`, what can still be refunded. */
export type Order = Ordered & { readonly left: number };
export type Parcel = ShopData["parcels"][number];
export type Product = ShopData["products"][number];
export type Shipping = ShopData["shipping"][number];

export type ShopNames = Readonly<
  Record<"orders" | "customers" | "parcels" | "products" | "soldOut" | "countries" | "currencyCodes" | "currencyNames", readonly string[]>
>;

/** What a lookup did not find, or a change that cannot be made. Its message is for the model. */
export class ShopError extends OrreryError {}

const MS_PER_DAY = 86_400_000;

export class Shop {
  readonly #data: ShopData;
  readonly #ledger: Ledger;

  private constructor(data: ShopData, ledger: Ledger) {
    this.#data = data;
    this.#ledger = ledger;
  }

  /** Reads the shop; a ledger that is not there yet is empty. @throws ZodError when a file has another form */
  static async open(file: string, ledgerFile: string): Promise<Shop> {
    const data = shopSchema.parse(JSON.parse(await readFile(file, "utf8")));
    return new Shop(data, await Ledger.open(ledgerFile));
  }

  /** What can be asked about. */
  get names(): ShopNames {
    const { orders, parcels, products, shipping, currencies } = this.#data;
    return {
      orders: orders.map(({ id }) => id),
      customers: [...new Set(orders.map(({ customer }) => customer))],
      parcels: parcels.map(({ tracking }) => tracking),
      products: products.map(({ name }) => name),
      soldOut: products.filter(({ units }) => units === 0).map(({ name }) => name),
      countries: shipping.map(({ country }) => country),
      currencyCodes: currencies.map(({ code }) => code),
      currencyNames: currencies.map(({ name }) => name),
    };
  }

  get currency(): string {
    return this.#data.currency;
  }

  /** @throws ShopError `shop/unknown-order` */
  order(id: string): Order {
    const order = this.#data.orders.find((each) => each.id.toLowerCase() === id.trim().toLowerCase());
    if (!order) throw new ShopError("shop/unknown-order", `order not found: ${id}`);
    return this.#ledger.of(order.id).reduce(changed, { ...order, left: order.total });
  }

  /** The numbers of a customer's orders. @throws ShopError `shop/unknown-customer` */
  ordersOf(customer: string): readonly string[] {
    const wanted = customer.trim().toLowerCase();
    const orders = this.#data.orders.filter((each) => each.customer.toLowerCase() === wanted);
    if (orders.length === 0) throw new ShopError("shop/unknown-customer", `customer not found: ${customer}`);
    return orders.map(({ id }) => id);
  }

  /** @throws ShopError `shop/no-shipping` */
  shipping(country: string): Shipping {
    const found = this.#data.shipping.find((each) => each.country.toLowerCase() === country.trim().toLowerCase());
    if (!found) throw new ShopError("shop/no-shipping", `the shop does not ship to ${country}`);
    return found;
  }

  /** @throws ShopError `shop/unknown-parcel` */
  parcel(tracking: string): Parcel {
    const parcel = this.#data.parcels.find((each) => each.tracking.toLowerCase() === tracking.trim().toLowerCase());
    if (!parcel) throw new ShopError("shop/unknown-parcel", `tracking number not found: ${tracking}`);
    return parcel;
  }

  /** By name, singular or plural. @throws ShopError `shop/unknown-product` */
  product(name: string): Product {
    const wanted = name.trim().toLowerCase();
    const product = this.#data.products.find((each) => each.name === wanted || `${each.name}s` === wanted);
    if (!product) throw new ShopError("shop/unknown-product", `product not found: ${name}`);
    return product;
  }

  /** Days from today to the delivery of an order; 0 or less when it should be there. @throws ShopError `shop/no-delivery` */
  daysToDelivery(id: string): { readonly days: number; readonly eta: string } {
    const order = this.order(id);
    if (order.tracking === null) throw new ShopError("shop/no-delivery", `order ${order.id} has not shipped (${order.status})`);
    const { eta } = this.parcel(order.tracking);
    return { days: (Date.parse(eta) - Date.parse(this.#data.today)) / MS_PER_DAY, eta };
  }

  /** Rounded to cents. @throws ShopError `shop/unknown-currency` */
  convert(amount: number, from: string, to: string): number {
    return cents((amount / this.#rate(from)) * this.#rate(to)) / 100;
  }

  /** @throws ShopError `shop/unknown-order`, `shop/refund-too-small`, `shop/refund-too-large` */
  async refund(id: string, amount: number): Promise<Order> {
    const { id: order } = this.order(id);
    await this.#ledger.add({ kind: "refund", order, amount: cents(amount) / 100 }, () => {
      const { left } = this.order(order);
      if (cents(amount) < 1) throw new ShopError("shop/refund-too-small", "a refund is at least 0.01");
      if (cents(amount) > cents(left))
        throw new ShopError("shop/refund-too-large", `at most ${left} ${this.currency} can be refunded for ${order}`);
    });
    return this.order(order);
  }

  /** @throws ShopError `shop/unknown-order`, `shop/has-left` */
  async cancel(id: string): Promise<Order> {
    const { id: order } = this.order(id);
    await this.#ledger.add({ kind: "cancel", order }, () => this.#requireHere(order));
    return this.order(order);
  }

  /** @throws ShopError `shop/unknown-order`, `shop/has-left` */
  async sendTo(id: string, address: string): Promise<Order> {
    const { id: order } = this.order(id);
    await this.#ledger.add({ kind: "address", order, address: address.trim() }, () => this.#requireHere(order));
    return this.order(order);
  }

  #requireHere(id: string): void {
    const { status } = this.order(id);
    if (status !== "packed") throw new ShopError("shop/has-left", `order ${id} cannot be changed any more (${status})`);
  }

  #rate(currency: string): number {
    const rate = this.#data.currencies.find(({ code }) => code === currency.trim().toUpperCase())?.rate;
    if (rate === undefined) throw new ShopError("shop/unknown-currency", `no rate for ${currency}`);
    return rate;
  }
}

function changed(order: Order, change: Change): Order {
  switch (change.kind) {
    case "refund":
      return { ...order, left: (cents(order.left) - cents(change.amount)) / 100 };
    case "cancel":
      return { ...order, status: "cancelled" };
    case "address":
      return { ...order, address: change.address };
  }
}

function cents(amount: number): number {
  return Math.round(amount * 100);
}
