/**
 * `--mcp`: servers whose tools the agent has beside the built-in ones. In: what the command line says, a command or an address. Out:
 * tools, and what was left out of them. Law: all servers are connected, or none stays so; a built-in tool keeps its name.
 */
import type { HttpServer, McpConnection, StdioServer } from "@orrery/mcp";
import { usage } from "./arguments.ts";
import type { BuiltinTool } from "./tools/builtin-tool.ts";

export interface Servers extends AsyncDisposable {
  readonly tools: readonly BuiltinTool[];
  /** A line for each tool that is left out. */
  readonly left: readonly string[];
}

/** @throws UsageError `cli/usage`, McpError `mcp/bad-server`, `mcp/cannot-connect` */
export async function connectServers(
  command: string,
  given: readonly string[],
  cwd: string,
  builtins: readonly BuiltinTool[],
): Promise<Servers> {
  if (given.length === 0) return { tools: [], left: [], [Symbol.asyncDispose]: async () => {} };
  const { connectMcp } = await import("@orrery/mcp"); // 75 ms of a core, which a run without servers does not need
  const servers = given.map((text) => serverOf(command, text, cwd));
  const attempts = await Promise.allSettled(servers.map((server) => connectMcp(server)));
  const open = attempts.filter((attempt) => attempt.status === "fulfilled").map(({ value }) => value);
  const close = async (): Promise<void> => void (await Promise.all(open.map((server) => server.close())));
  const failed = attempts.find((attempt) => attempt.status === "rejected");
  if (failed) {
    await close();
    throw failed.reason;
  }
  return { tools: withOwnNames(open, builtins), left: open.flatMap(leftOut), [Symbol.asyncDispose]: close };
}

function serverOf(command: string, text: string, cwd: string): StdioServer | HttpServer {
  if (/^https?:\/\//.test(text)) return { url: text };
  const [program, ...args] = words(text);
  if (program === undefined) throw usage(command, "--mcp takes a command or an address");
  return { command: program, args, cwd };
}

/** A command line in words; quotes hold a word together, as in a shell, and nothing else is done. */
function words(text: string): readonly string[] {
  const pieces = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return pieces.map((piece) => piece.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ""));
}

function withOwnNames(servers: readonly McpConnection[], builtins: readonly BuiltinTool[]): readonly BuiltinTool[] {
  const taken = new Set(builtins.map(({ tool }) => tool.name));
  return servers.flatMap(({ tools }) =>
    tools.map((tool) => {
      let { name } = tool;
      for (let n = 1; taken.has(name); n++) name = `${tool.name.slice(0, 60)}_${n}`;
      taken.add(name);
      return { tool: { ...tool, name }, keywords: "" };
    }),
  );
}

function leftOut({ skipped }: McpConnection): readonly string[] {
  return skipped.map(({ name, reason }) => `left out: ${name}: ${reason}`);
}
