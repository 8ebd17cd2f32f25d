/**
 * The shop's data: one JSON file that is read, and a ledger of refunds that is written. In: file names. Out: lookups in plain
 * objects. Law: money is counted in whole cents; an order is never refunded beyond its total.
 */
import { OrreryError } from "@orrery/chat";
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";

const date = z.iso.date();
const money = z.number().nonnegative();

const shopSchema = z.object({
  /** The day the data was taken; deliveries are counted from it. */
  today: date,
  currency: z.string(),
  orders: z.array(
    z.object({
      id: z.string(),
      status: z.enum(["packed", "shipped", "delivered", "cancelled"]),
      tracking: z.string().nullable(),
      total: money,
      items: z.array(z.object({ product: z.string(), quantity: z.int().positive() })),
    }),
  ),
  parcels: z.array(z.object({ tracking: z.string(), location: z.string(), eta: date })),
  products: z.array(z.object({ name: z.string(), price: money, units: z.int().nonnegative() })),
  /** `rate`: units of this currency for one of the shop's own. */
  currencies: z.array(z.object({ code: z.string(), name: z.string(), rate: z.number().positive() })),
});

const ledgerSchema = z.array(z.object({ order: z.string(), amount: money }));

type ShopData = z.infer<typeof shopSchema>;
export type Order = ShopData["orders"][number];
export type Parcel = ShopData["parcels"][number];
export type Product = ShopData["products"][number];

/** What a lookup did not find, or a refund that is too large. Its message is for the model. */
export class ShopError extends OrreryError {}

const MS_PER_DAY = 86_400_000;

export class Shop {
  readonly #data: ShopData;
  readonly #ledgerFile: string;
  readonly #ledger: z.infer<typeof ledgerSchema>;

  private constructor(data: ShopData, ledgerFile: string, ledger: z.infer<typeof ledgerSchema>) {
    this.#data = data;
    this.#ledgerFile = ledgerFile;
    this.#ledger = ledger;
  }

  /** Reads the shop; a ledger that is not there yet is empty. @throws ZodError when a file has another form */
  static async open(file: string, ledgerFile: string): Promise<Shop> {
    const data = shopSchema.parse(JSON.parse(await readFile(file, "utf8")));
    const ledger = await readFile(ledgerFile, "utf8").catch(() => "[]");
    return new Shop(data, ledgerFile, ledgerSchema.parse(JSON.parse(ledger)));
  }

  /** What can be asked about. */
  get names(): Readonly<Record<"orders" | "parcels" | "products" | "currencyCodes" | "currencyNames", readonly string[]>> {
    const { orders, parcels, products, currencies } = this.#data;
    return {
      orders: orders.map(({ id }) => id),
      parcels: parcels.map(({ tracking }) => tracking),
      products: products.map(({ name }) => name),
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
    return order;
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

  /** Writes a refund into the ledger. @throws ShopError `shop/unknown-order`, `shop/refund-too-large` */
  async refund(id: string, amount: number): Promise<{ readonly order: string; readonly left: number }> {
    const order = this.order(id);
    const earlier = this.#ledger.filter((each) => each.order === order.id).reduce((sum, each) => sum + cents(each.amount), 0);
    const left = cents(order.total) - earlier - cents(amount);
    if (cents(amount) < 1) throw new ShopError("shop/refund-too-small", "a refund is at least 0.01");
    if (left < 0)
      throw new ShopError(
        "shop/refund-too-large",
        `at most ${(cents(order.total) - earlier) / 100} ${this.currency} can be refunded for ${order.id}`,
      );
    this.#ledger.push({ order: order.id, amount: cents(amount) / 100 });
    // Whole or not at all: written beside the ledger, then renamed over it.
    await writeFile(`${this.#ledgerFile}.new`, `${JSON.stringify(this.#ledger, null, 2)}\n`);
    await rename(`${this.#ledgerFile}.new`, this.#ledgerFile);
    return { order: order.id, left: left / 100 };
  }

  #rate(currency: string): number {
    const rate = this.#data.currencies.find(({ code }) => code === currency.trim().toUpperCase())?.rate;
    if (rate === undefined) throw new ShopError("shop/unknown-currency", `no rate for ${currency}`);
    return rate;
  }
}

function cents(amount: number): number {
  return Math.round(amount * 100);
}
