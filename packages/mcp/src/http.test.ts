import type { JsonObject } from "@orrery/chat";
import { connectMcp, type McpConnection } from "./connect.ts";
import { serveHttp, type HttpFixture } from "./testing/http-server.ts";

const fixtures: HttpFixture[] = [];
const open: McpConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

async function served(kind: Parameters<typeof serveHttp>[0]): Promise<HttpFixture> {
  const fixture = await serveHttp(kind);
  fixtures.push(fixture);
  return fixture;
}

async function connect(url: string, headers: Record<string, string> = {}): Promise<McpConnection> {
  const server = await connectMcp({ url, headers, timeoutMs: 5_000 });
  open.push(server);
  return server;
}

const calling = (
  { tools }: McpConnection,
  name: string,
  input: JsonObject = {},
  more: { signal?: AbortSignal; progress?: (value: unknown) => void } = {},
) => tools.find((tool) => tool.name === name)!.run(input, { callId: "1", signal: new AbortController().signal, ...more });

describe.each(["modern", "sessions"] as const)("a server over HTTP (%s)", (kind) => {
  test("has tools that work, tell how far they are, and can be cancelled", async () => {
    const fixture = await served(kind);
    const server = await connect(fixture.url, { authorization: "Bearer t0ken" });
    expect(server.tools).toHaveLength(14);
    await expect(calling(server, "sum", { a: 1, b: 2 })).resolves.toEqual({ sum: 3 });
    const told: unknown[] = [];
    await expect(calling(server, "count", {}, { progress: (value) => told.push(value) })).resolves.toBe("three");
    expect(told).toHaveLength(3);
    const before = Number(await calling(server, "stopped"));
    const stop = new AbortController();
    const hanging = calling(server, "hang", {}, { signal: stop.signal });
    await calling(server, "echo", { text: "it has begun" });
    stop.abort(new Error("enough"));
    await expect(hanging).rejects.toThrow("enough");
    while (Number(await calling(server, "stopped")) === before) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(fixture.requests.every(({ headers }) => headers.authorization === "Bearer t0ken")).toBe(true);
  });
});

test("a session that the server forgot is an error, and the next call begins another", async () => {
  const fixture = await served("sessions");
  const server = await connect(fixture.url);
  await expect(calling(server, "echo", { text: "a" })).resolves.toBe("a");
  fixture.forget();
  await expect(calling(server, "echo", { text: "b" })).rejects.toMatchObject({ code: "mcp/connection-lost" });
  await expect(calling(server, "echo", { text: "c" })).resolves.toBe("c");
});

test("a server that went away is an error of the connection, at once and later", async () => {
  const fixture = await served("modern");
  const server = await connect(fixture.url);
  await fixture.close();
  await expect(calling(server, "echo", { text: "a" })).rejects.toMatchObject({ code: "mcp/connection-lost" });
  await expect(calling(server, "echo", { text: "a" })).rejects.toMatchObject({ code: "mcp/cannot-connect" });
});

test("a server that forbids it, redirects, or is none, cannot be connected to; no other address is asked", async () => {
  const other = await served("modern");
  for (const [status, headers] of [
    [401, { "www-authenticate": `Bearer resource_metadata="${other.url}"` }],
    [307, { location: other.url }],
    [500, {}],
    [200, { "content-type": "text/html" }],
  ] as const) {
    const fixture = await served(() => new Response("hello", { status, headers }));
    const thrown = await connect(fixture.url).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "mcp/cannot-connect" });
  }
  expect(other.requests).toEqual([]);
});

test("a response without end is not read to its end", async () => {
  const part = new TextEncoder().encode("x".repeat(1024 * 1024));
  const endless = (): Response =>
    new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }), {
      headers: { "content-type": "application/json" },
    });
  const fixture = await served(endless);
  await expect(connect(fixture.url)).rejects.toMatchObject({ code: "mcp/cannot-connect" });
});

test("a call that a server forbids is refused, not lost", async () => {
  let allowed = true;
  const inner = await served("modern");
  const fixture = await served(async (request) => {
    if (!allowed) return new Response("no", { status: 403 });
    const { method, headers } = request;
    return fetch(inner.url, { method, headers, ...(method === "POST" ? { body: await request.text() } : {}) });
  });
  const server = await connect(fixture.url);
  allowed = false;
  await expect(calling(server, "echo", { text: "a" })).rejects.toMatchObject({ code: "mcp/refused" });
});
