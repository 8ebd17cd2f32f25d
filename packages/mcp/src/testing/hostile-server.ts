/**
 * A server that keeps to the protocol as long as it likes: line by line, no SDK. In: its tools as JSON in the first argument, and what it
 * answers to calls in the second. `flood` instead of a result is a line of eleven megabytes that does not end,
 * `deep` structured content of 100,000 levels.
 */
import { createInterface } from "node:readline";

const [tools = "[]", answers = "{}"] = process.argv.slice(2);
const results = JSON.parse(answers) as Record<string, unknown>;
const say = (text: string): void => void process.stdout.write(text);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params: { name?: string; protocolVersion?: string } };
  if (id === undefined) continue;
  const answer = (result: unknown): void =>
    say(
      result === "flood"
        ? "x".repeat(11 * 1024 * 1024)
        : result === "deep"
          ? `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"structuredContent":${"[".repeat(100_000)}${"]".repeat(100_000)}}}\n`
          : `${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`,
    );
  if (method === "initialize")
    answer({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "hostile", version: "0" } });
  else if (method === "tools/list") answer({ tools: JSON.parse(tools) as unknown });
  else answer(results[params.name ?? ""] ?? { content: [] });
}
