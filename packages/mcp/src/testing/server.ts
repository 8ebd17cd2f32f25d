/** A real server, written with the SDK's own server side: tools that behave in every way that a tool may. */
import { ProtocolError, Server, type CallToolResult, type ServerContext } from "@modelcontextprotocol/server";
import { setTimeout } from "node:timers/promises";

const none = { type: "object" as const, properties: {} };
const text = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
const PIXEL = "iVBORw0KGgo="; // eight bytes

export const TOOLS = [
  {
    name: "echo",
    description: "Says it again.",
    inputSchema: { type: "object" as const, properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
    annotations: { readOnlyHint: true },
  },
  {
    name: "sum",
    description: "Adds.",
    inputSchema: { type: "object" as const, properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
    outputSchema: { type: "object" as const, properties: { sum: { type: "number" } }, required: ["sum"] },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  { name: "save note", description: "Saves a note on this machine.", inputSchema: none, annotations: { openWorldHint: false } },
  { name: "send_mail", description: "Sends a mail.", inputSchema: none },
  { name: "count", description: "Counts to three, and says so on the way.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "hang", description: "Never ends by itself.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "stopped", description: "How many calls of hang were cancelled.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "crash", description: "Ends the server.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "picture", description: "Shows a picture.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "fail", description: "Fails, and says why.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "refuse", description: "Is refused by the protocol.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "big", description: "Writes much.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "environment", description: "The names of the variables it sees.", inputSchema: none, annotations: { readOnlyHint: true } },
  { name: "process", description: "Which process it is.", inputSchema: none, annotations: { readOnlyHint: true } },
];

let stopped = 0;

export function makeServer(): Server {
  const server = new Server({ name: "fixture", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/list", ({ params }) =>
    // Two pages.
    params?.cursor === undefined ? { tools: TOOLS.slice(0, 5), nextCursor: "more" } : { tools: TOOLS.slice(5) },
  );
  server.setRequestHandler("tools/call", ({ params }, context) => called(params.name, params.arguments ?? {}, context));
  return server;
}

async function called(name: string, input: Record<string, unknown>, { mcpReq }: ServerContext): Promise<CallToolResult> {
  switch (name) {
    case "echo":
      return text(String(input["text"]));
    case "sum":
      return { content: [{ type: "text", text: "see there" }], structuredContent: { sum: Number(input["a"]) + Number(input["b"]) } };
    case "count": {
      const progressToken = mcpReq._meta?.progressToken;
      for (let progress = 1; progress <= 3 && progressToken !== undefined; progress++) {
        await setTimeout(20); // the SDK's client drops progress that arrives together with the result
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 3, message: `at ${progress}` } });
      }
      await setTimeout(20);
      return text("three");
    }
    case "hang":
      await new Promise<void>((resolve) => mcpReq.signal.addEventListener("abort", () => resolve()));
      stopped++;
      return text("stopped");
    case "stopped":
      return text(String(stopped));
    case "crash":
      console.error("out of order");
      process.exit(3);
    case "picture":
      return {
        content: [
          { type: "text", text: "Here it is." },
          { type: "image", data: PIXEL, mimeType: "image/png" },
          { type: "resource_link", uri: "file:///a.png", name: "a.png", description: "the same" },
          { type: "resource", resource: { uri: "file:///a.txt", text: "a caption" } },
          { type: "resource", resource: { uri: "file:///a.bin", blob: PIXEL } },
        ],
      };
    case "fail":
      return { ...text("the disk is full"), isError: true };
    case "refuse":
      throw new ProtocolError(-32602, "not with these arguments");
    case "big":
      return text("x".repeat(100_000));
    case "environment":
      return text(Object.keys(process.env).sort().join(" "));
    case "process":
      return text(String(process.pid));
    default:
      return text(`${name} done`);
  }
}
