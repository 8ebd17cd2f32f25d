/** The fixture's server on loopback: as the current protocol has it, or with the sessions of the one before. */
import { createMcpHandler, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { makeServer } from "./server.ts";

export interface HttpFixture {
  readonly url: string;
  /** Every request: method and the headers that came. */
  readonly requests: readonly { readonly method: string; readonly headers: IncomingMessage["headers"] }[];
  /** Forgets every session, as a server that was restarted. */
  forget(): void;
  close(): Promise<void>;
}

type Answer = (request: Request) => Response | Promise<Response>;

export async function serveHttp(kind: "modern" | "sessions" | Answer): Promise<HttpFixture> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const answer = typeof kind === "function" ? kind : kind === "modern" ? createMcpHandler(makeServer).fetch : inSessions(sessions);
  const requests: { method: string; headers: IncomingMessage["headers"] }[] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", headers: request.headers });
    void respond(request, response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    forget: () => sessions.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function inSessions(sessions: Map<string, WebStandardStreamableHTTPServerTransport>): Answer {
  return async (request) => {
    const id = request.headers.get("mcp-session-id");
    if (id !== null) return (await sessions.get(id)?.handleRequest(request)) ?? new Response("no such session", { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (made) => void sessions.set(made, transport),
    });
    await makeServer().connect(transport);
    return transport.handleRequest(request);
  };
}

async function respond(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): Promise<void> {
  const gone = new AbortController();
  outgoing.on("close", () => gone.abort());
  const { method = "GET" } = incoming;
  const body = method === "POST" ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: "half" } : {};
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]);
  const url = `http://${incoming.headers.host}${incoming.url}`;
  const response = await answer(new Request(url, { method, headers, signal: gone.signal, ...body } as RequestInit));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body) return void outgoing.end();
  outgoing.flushHeaders();
  await pipeline(Readable.fromWeb(response.body as ReadableStream<Uint8Array>), outgoing).catch(() => {});
}
