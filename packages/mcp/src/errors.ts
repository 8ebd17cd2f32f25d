/** Errors of MCP servers. In: whatever the SDK threw. Out: one of our codes, with what the server said cut to a length. */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import { OrreryError } from "@orrery/chat";
import { types } from "node:util";

/** A server that cannot be reached, went away, or does not keep to the protocol (`mcp/…`). */
export class McpError extends OrreryError {}

/** More of a server's words would crowd the model's context. */
const MAX_MESSAGE_CHARACTERS = 1_000;

/** Text of a server, short enough for a message. */
export function short(text: string, max = MAX_MESSAGE_CHARACTERS): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

/** Why the server could not be reached. `said`: the end of what it wrote on stderr. */
export function cannotConnect(where: string, thrown: unknown, said = ""): McpError {
  if (thrown instanceof McpError) return thrown;
  const last = said.trim() === "" ? "" : `; it wrote: ${short(said.trim())}`;
  return new McpError("mcp/cannot-connect", `cannot connect to ${where}: ${short(reasonOf(thrown))}${last}`, {
    hint: "check that the command or the address is right and that the server speaks MCP there",
    cause: thrown,
  });
}

/** What went wrong with a call. */
export function callFailed(name: string, thrown: unknown): McpError {
  if (thrown instanceof McpError) return thrown;
  const status = thrown instanceof SdkHttpError ? thrown.status : undefined;
  if (isGone(thrown) && (status === undefined || status === 404 || status >= 500))
    return new McpError("mcp/connection-lost", `the connection to the server broke during '${name}'; the call may have taken effect`, {
      hint: "call again: the next call connects anew",
      cause: thrown,
    });
  if (thrown instanceof ProtocolError || status !== undefined)
    return new McpError("mcp/refused", `the server refused '${name}': ${short(reasonOf(thrown))}`, {
      hint: "look at what the server says: rights, or arguments that its schema does not tell of",
      cause: thrown,
    });
  return new McpError("mcp/bad-result", `the server's answer to '${name}' cannot be used: ${short(reasonOf(thrown))}`, {
    hint: "look at the server: it does not keep to the protocol",
    cause: thrown,
  });
}

const GONE: ReadonlySet<string> = new Set([
  SdkErrorCode.ConnectionClosed,
  SdkErrorCode.NotConnected,
  SdkErrorCode.SendFailed,
  SdkErrorCode.RequestTimeout,
]);

/** Is there no connection any more? Of a session that an HTTP server forgot, it says so by its status. */
export function isGone(thrown: unknown): boolean {
  if (thrown instanceof SdkHttpError) return true;
  if (thrown instanceof SdkError) return GONE.has(thrown.code);
  return types.isNativeError(thrown) && !(thrown instanceof ProtocolError) && !(thrown instanceof OrreryError); // fetch failed
}

function reasonOf(thrown: unknown): string {
  if (!types.isNativeError(thrown)) return String(thrown);
  const cause = types.isNativeError(thrown.cause) && thrown.message === "fetch failed" ? `: ${thrown.cause.message}` : "";
  return `${thrown.message}${cause}`;
}
