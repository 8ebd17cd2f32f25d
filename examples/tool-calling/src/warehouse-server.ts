/**
 * The warehouse as a server of the Model Context Protocol on standard input and output. In: `data/warehouse.json`, or the file named. Out:
 * two tools that read. Law: it hands out notes as people wrote them, and vouches for none.
 */
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { readFileSync } from "node:fs";
import { z } from "zod";

const warehouseSchema = z.object({
  /** What comes in next, by product. */
  arrivals: z.array(z.object({ product: z.string(), date: z.iso.date() })),
  /** What packers and carriers wrote, by order. */
  notes: z.array(z.object({ order: z.string(), text: z.string() })),
});

const file = process.argv[2] ?? new URL("../data/warehouse.json", import.meta.url);
const { arrivals, notes } = warehouseSchema.parse(JSON.parse(readFileSync(file, "utf8")));
const annotations = { readOnlyHint: true, openWorldHint: false };

serveStdio(() => {
  const server = new McpServer({ name: "warehouse", version: "1.0.0" });
  server.registerTool(
    "restock_date",
    {
      description: "Date when a product is in stock again.",
      inputSchema: z.object({ product: z.string().describe("Product name") }),
      outputSchema: z.object({ date: z.string() }),
      annotations,
    },
    ({ product }) => {
      const arrival = arrivals.find((each) => each.product === product);
      if (!arrival) return failure(`no delivery of ${product} is expected`);
      const { date } = arrival;
      return { content: [{ type: "text", text: date }], structuredContent: { date } };
    },
  );
  server.registerTool(
    "packing_notes",
    {
      description: "Notes of the warehouse about an order.",
      inputSchema: z.object({ order_id: z.string().describe("Order number") }),
      annotations,
    },
    ({ order_id }) => {
      const texts = notes.filter(({ order }) => order === order_id).map(({ text }) => text);
      return texts.length > 0 ? { content: texts.map((text) => ({ type: "text", text })) } : failure(`no notes about ${order_id}`);
    },
  );
  return server;
});

function failure(text: string): { content: { type: "text"; text: string }[]; isError: true } {
  return { content: [{ type: "text", text }], isError: true };
}
