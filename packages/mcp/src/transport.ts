/**
 * How a server is reached: a process of its own, or an address. In: what the user named. Out: a transport of the SDK. Law: a process
 * sees nothing of our environment but {@link DEFAULT_INHERITED_ENV_VARS} of the SDK (PATH, HOME and the like) and what it is given;
 * requests go to the address given and nowhere else; what a server sends is read up to a size.
 */
import { StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { McpError } from "./errors.ts";

/** A server that is a program on this machine: started by us, spoken to over its standard input and output. */
export interface StdioServer {
  readonly command: string;
  readonly args?: readonly string[];
  /** Variables that it is given beside PATH, HOME, USER, LOGNAME, SHELL and TERM. Default none: no other of ours is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: ours. */
  readonly cwd?: string;
}

/** A server at an address, over streamable HTTP. */
export interface HttpServer {
  readonly url: string | URL;
  /** Sent with each request, e.g. `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A way to reach a server, to be opened as often as needed. */
export interface Place {
  /** For messages. */
  readonly where: string;
  readonly kind: "stdio" | "http";
  open(): { readonly transport: Transport; /** The end of what it wrote on stderr. */ readonly said: () => string };
}

/** One message of a server: a result that is larger could not be read by any model. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const KEPT_OF_STDERR = 2_000;

/** @throws McpError `mcp/bad-server` */
export function placeOf(server: StdioServer | HttpServer): Place {
  if ("url" in server && "command" in server) throw badServer("both a command and a url are given");
  if ("url" in server) return httpPlace(server);
  if (typeof server.command !== "string" || server.command === "") throw badServer("neither a command nor a url is given");
  return stdioPlace(server);
}

function badServer(message: string, cause?: unknown): McpError {
  return new McpError("mcp/bad-server", message, { hint: "pass { command, args } or { url: 'https://…' }", cause });
}

function stdioPlace({ command, args = [], env = {}, cwd }: StdioServer): Place {
  return {
    where: `'${command}'`,
    kind: "stdio",
    open: () => {
      const transport = new StdioClientTransport({
        command,
        args: [...args],
        env: { ...env },
        stderr: "pipe",
        maxBufferSize: MAX_MESSAGE_BYTES,
        ...(cwd === undefined ? {} : { cwd }),
      });
      let said = "";
      transport.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-KEPT_OF_STDERR)));
      return { transport, said: () => said };
    },
  };
}

function httpPlace({ url: given, headers = {} }: HttpServer): Place {
  const url = urlOf(given);
  return {
    where: url.origin + url.pathname,
    kind: "http",
    open: () => ({
      transport: new StreamableHTTPClientTransport(url, {
        fetch: fetchOnly(url),
        requestInit: { headers: { ...headers }, redirect: "error" },
        reconnectionOptions: { maxRetries: 2, initialReconnectionDelay: 200, maxReconnectionDelay: 2_000, reconnectionDelayGrowFactor: 2 },
      }),
      said: () => "",
    }),
  };
}

function urlOf(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch (thrown) {
    throw badServer(`'${String(given)}' is no address`, thrown);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw badServer(`an address begins with https:// or http://, found ${url.protocol}//`);
  if (url.username !== "" || url.password !== "") throw badServer("the address has a user or a password in it; pass `headers`");
  return url;
}

/** A fetch for one address, whatever a server or a redirect asks for. */
function fetchOnly(allowed: URL): (input: string | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    if (new URL(input).href !== allowed.href)
      throw new McpError(
        "mcp/other-address",
        `a request to ${new URL(input).origin} was asked for, and only ${allowed.origin} is allowed`,
        {
          hint: "pass the server's own address",
        },
      );
    const response = await fetch(input, init);
    if (!response.body) return response;
    return new Response(response.body.pipeThrough(bounded()), response);
  };
}

const LINE_FEED = 10;

/** Ends a response whose next message (of an event stream; else the whole) is too large. */
function bounded(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let last = 0;
  return new TransformStream({
    transform(chunk, controller) {
      for (const byte of chunk) {
        if (byte === 13) continue;
        bytes = byte === LINE_FEED && last === LINE_FEED ? 0 : bytes + 1; // an empty line ends an event
        last = byte;
      }
      if (bytes > MAX_MESSAGE_BYTES)
        throw new McpError("mcp/bad-result", `a message of more than ${MAX_MESSAGE_BYTES} bytes`, { hint: "ask the server for less" });
      controller.enqueue(chunk);
    },
  });
}
