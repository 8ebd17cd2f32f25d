/**
 * The warehouse's tools for the desk. In: the shop. Out: tools of an MCP server that is started for it. Law: like the desk's own, they are
 * legal moves only for what the conversation has mentioned, and of products only those that are sold out; what they return is words of
 * others.
 */
import type { MoveContext, Tool } from "@orrery/agent";
import { isJsonObject, type JsonSchema } from "@orrery/chat";
import { connectMcp } from "@orrery/mcp";
import { fileURLToPath } from "node:url";
import { mentioned } from "./said.ts";
import type { Shop } from "./shop.ts";

export interface Warehouse extends AsyncDisposable {
  readonly tools: readonly Tool[];
}

/** Ends with `await using`, or by its `Symbol.asyncDispose`. @throws McpError `mcp/cannot-connect` */
export async function connectWarehouse(shop: Shop): Promise<Warehouse> {
  const server = await connectMcp({
    command: process.execPath,
    args: [fileURLToPath(new URL("./warehouse-server.js", import.meta.url))],
  });
  const { orders, soldOut } = shop.names;
  const known: Readonly<Record<string, readonly string[]>> = { order_id: orders, product: soldOut };
  const tools = server.tools.map((tool): Tool => {
    const { properties } = tool.input;
    const named = Object.entries(known).filter(([argument]) => isJsonObject(properties) && argument in properties);
    const narrow = (context: MoveContext): JsonSchema | false => {
      const said = named.map(([argument, names]) => [argument, { enum: mentioned(context, names) }] as const);
      return said.every(([, { enum: values }]) => values.length > 0) && { properties: Object.fromEntries(said) };
    };
    return named.length === 0 ? tool : { ...tool, narrow };
  });
  return { tools, [Symbol.asyncDispose]: () => server.close() };
}
