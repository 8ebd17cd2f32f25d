/**
 * Tools of an MCP server. In: a command or an address. Out: tools for an agent, and why others are not among them. Law: one tool that
 * cannot be used does not harm the others; the list stays as it was when we connected, so that the prompt of a run does too.
 */
import type { Tool } from "@orrery/agent";
import { z } from "zod";
import { Connection } from "./connection.ts";
import { cannotConnect, short } from "./errors.ts";
import { naming } from "./names.ts";
import { readTool, toolOf, type CallServer, type ToolOptions } from "./server-tool.ts";
import { placeOf, type HttpServer, type StdioServer } from "./transport.ts";

export interface McpOptions extends ToolOptions {
  /** Put before each name, with `_`: for tools of several servers in one agent. Default none. */
  readonly prefix?: string;
  /** Milliseconds that connecting, and asking for the tools, may take. Default 30,000. */
  readonly timeoutMs?: number;
}

/** A tool of the server that is not among `tools`. */
export interface SkippedTool {
  /** As the server has it, cut. */
  readonly name: string;
  readonly reason: string;
}

export interface McpConnection extends AsyncDisposable {
  readonly tools: readonly Tool[];
  readonly skipped: readonly SkippedTool[];
  /** Ends the connection, and the process that was started for it. Calls under way fail; later ones are `mcp/closed`. */
  close(): Promise<void>;
}

/** More tools than this no model chooses well among; of a list that does not end, no more is asked for. */
const MAX_TOOLS = 256;
const MAX_PAGES = 64;

/** The longest that Node's timers take: a call's limit is its signal. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/**
 * Connects to a server and asks for its tools.
 *
 * @example
 * const files = await connectMcp({ command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "."] });
 * const agent = createAgent({ model, tools: [...files.tools, ...mine] });
 * await run(agent, "…");
 * await files.close();
 * @throws McpError `mcp/bad-server`, `mcp/cannot-connect`
 */
export async function connectMcp(server: (StdioServer | HttpServer) & McpOptions): Promise<McpConnection> {
  const { prefix, timeoutMs = 30_000, ...options } = server;
  const place = placeOf(server);
  const connection = new Connection(place, timeoutMs);
  const call: CallServer = ({ name, input, schema, signal, onprogress }) =>
    connection.use(
      (client) =>
        client.callTool(
          { name, arguments: input },
          // No output schema: it is checked with the tool's own.
          { signal, onprogress, timeout: NO_LIMIT_MS, toolDefinition: { name, inputSchema: schema as { type: "object" } } },
        ),
      signal,
    );
  let listed: readonly unknown[];
  try {
    listed = await list(connection, timeoutMs);
  } catch (thrown) {
    await connection.close();
    throw cannotConnect(place.where, thrown);
  }
  const tools: Tool[] = [];
  const skipped: SkippedTool[] = [];
  const seen = new Set<string>();
  const nameFor = naming(prefix);
  for (const raw of listed) {
    const read = readTool(raw);
    const name = "reason" in read ? short(nameIn(raw), 64) : read.name;
    const skip = (reason: string): number => skipped.push({ name, reason });
    if ("reason" in read) skip(read.reason);
    else if (seen.has(name)) skip("another tool of the server has this name");
    else if (tools.length === MAX_TOOLS) skip(`more than ${MAX_TOOLS} tools are not taken`);
    else
      try {
        tools.push(toolOf(nameFor(name), read, call, options));
      } catch (thrown) {
        skip(reasonOf(thrown));
      }
    seen.add(name);
  }
  const close = (): Promise<void> => connection.close();
  return { tools, skipped, close, [Symbol.asyncDispose]: close };
}

const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/** All pages of the list, each tool as the server wrote it: the SDK's own listing refuses all for one that is wrong. */
async function list(connection: Connection, timeout: number): Promise<readonly unknown[]> {
  return connection.use(async (client) => {
    if (!client.getServerCapabilities()?.tools) return [];
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < MAX_PAGES && tools.length <= MAX_TOOLS; pages++) {
      const params = cursor === undefined ? {} : { cursor };
      const { tools: more, nextCursor } = await client.request({ method: "tools/list", params }, page, { timeout });
      tools.push(...more);
      if (nextCursor === undefined || nextCursor === cursor) break;
      cursor = nextCursor;
    }
    return tools;
  });
}

function nameIn(raw: unknown): string {
  const name = typeof raw === "object" && raw !== null && "name" in raw ? raw.name : undefined;
  return typeof name === "string" ? name : "(without a name)";
}

function reasonOf(thrown: unknown): string {
  return short(thrown instanceof Error ? thrown.message : String(thrown), 300);
}
