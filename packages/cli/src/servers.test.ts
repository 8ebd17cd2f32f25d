import { scriptedModel } from "@orrery/chat/testing";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { cli } from "./cli.ts";
import { EXIT } from "./exit-codes.ts";
import { connectServers } from "./servers.ts";
import { Outside } from "./testing/outside.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../mcp/dist/testing/${name}.js`, import.meta.url));
const command = `'${process.execPath}' "${fixture("stdio-server")}"`;
const echo = (text: string) => ({ calls: [{ name: "echo", input: { text } }] });

test("a run has the tools of the servers that it names; none is left running", async () => {
  const model = scriptedModel([{ calls: [{ name: "process", input: {} }] }, echo("hello"), "It says hello."]);
  const outside = new Outside(model, tmpdir());
  expect(await cli(["run", "say hello", "--tools", "echo,process,calculator", "--mcp", command, "--json"], outside.host)).toBe(EXIT.ok);
  const { steps } = JSON.parse(outside.out) as { steps: { output: string }[] };
  expect(steps[1]!.output).toBe("hello");
  expect(() => process.kill(Number(steps[0]!.output), 0)).toThrow(expect.objectContaining({ code: "ESRCH" }));
});

test("without --tools, those that fit the task are chosen among all", async () => {
  const model = scriptedModel(["done"]);
  await cli(["run", "Sends a mail to Ada.", "--mcp", command], new Outside(model, tmpdir()).host);
  expect(model.requests[0]!.tools!.map(({ name }) => name)).toContain("send_mail");
});

test("a call that reaches out is not made where nobody can be asked", async () => {
  const outside = new Outside(scriptedModel([{ calls: [{ name: "send_mail", input: {} }] }, "It was not sent."]), tmpdir());
  expect(await cli(["run", "send it", "--tools", "send_mail", "--mcp", command], outside.host)).toBe(EXIT.unasked);
});

test("a name that is taken gets a number; the built-in tool keeps its own", async () => {
  const again = { tool: { name: "echo" }, keywords: "" } as never;
  await using servers = await connectServers("run", [command, command], tmpdir(), [again]);
  expect(servers.tools.map(({ tool }) => tool.name).filter((name) => name.startsWith("echo"))).toEqual(["echo_1", "echo_2"]);
  const [echo] = servers.tools;
  await expect(echo!.tool.run({ text: "a" }, { callId: "1", signal: new AbortController().signal })).resolves.toBe("a");
});

test.each([
  [["--mcp", ""], "--mcp takes a command or an address", EXIT.usage],
  [["--mcp", "/no/such/program"], "cannot connect to '/no/such/program'", EXIT.failed],
  [["--mcp", command, "--mcp", "/no/such/program"], "cannot connect", EXIT.failed],
  [["--mcp", command, "--tools", "nothing"], "there is no tool 'nothing'", EXIT.usage],
])("%j: %s", async (args, message, code) => {
  const outside = new Outside(scriptedModel([]), tmpdir());
  expect(await cli(["run", "x", ...args], outside.host)).toBe(code);
  expect(outside.err).toContain(message);
  expect(outside.loaded).toEqual([]);
});
