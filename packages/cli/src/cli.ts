/**
 * The command line without the process. In: arguments and a {@link Host}. Out: an exit code. Law: every error ends here, as a message
 * with its hint on stderr and, where JSON was asked for, as an object on stdout; a command's code is loaded when it is called.
 */
import { toOrreryError } from "@orrery/chat";
import { createRequire } from "node:module";
import { UsageError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { HELP } from "./help.ts";
import type { Host } from "./host.ts";
import { errorObject, printError } from "./report.ts";

type Command = (args: readonly string[], host: Host) => Promise<ExitCode>;

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./commands/run.ts")).runCommand,
  chat: async () => (await import("./commands/chat.ts")).chatCommand,
  generate: async () => (await import("./commands/generate.ts")).generateCommand,
  draw: async () => (await import("./commands/draw.ts")).drawCommand,
  trace: async () => (await import("./commands/trace.ts")).traceCommand,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  precision: async () => (await import("./commands/precision.ts")).precisionCommand,
  check: async () => (await import("./commands/check.ts")).checkCommand,
  inspect: async () => (await import("./commands/inspect.ts")).inspectCommand,
};

/** Runs one command line, `argv` without node and script. Never rejects. */
export async function cli(argv: readonly string[], host: Host): Promise<ExitCode> {
  const [name, ...args] = argv;
  try {
    if (name === "--version" || name === "-V") {
      host.stdout.write(`${version()}\n`);
      return EXIT.ok;
    }
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      const topic = name === "help" ? (args[0] ?? "") : "";
      host.stdout.write(helpOf(topic));
      return EXIT.ok;
    }
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!load)
      throw new UsageError("cli/usage", `there is no command '${name}'`, {
        hint: `commands: ${Object.keys(COMMANDS).join(", ")}; see orrery --help`,
      });
    if (asksForHelp(args)) {
      host.stdout.write(helpOf(name));
      return EXIT.ok;
    }
    return await (
      await load()
    )(args, host);
  } catch (thrown) {
    const error = toOrreryError(thrown, "cli/failed");
    if (options(argv).includes("--json")) host.stdout.write(`${JSON.stringify({ error: errorObject(error) })}\n`);
    printError(error, host.stderr);
    if (error.code === "cli/cancelled") return EXIT.cancelled;
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

function helpOf(topic: string): string {
  const text = Object.hasOwn(HELP, topic) ? HELP[topic] : undefined;
  if (text === undefined) throw new UsageError("cli/usage", `there is no command '${topic}'`, { hint: "see orrery --help" });
  return text;
}

function asksForHelp(args: readonly string[]): boolean {
  return options(args).some((each) => each === "--help" || each === "-h");
}

/** What stands before `--`; behind it is text. */
function options(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

function version(): string {
  const { version: text } = createRequire(import.meta.url)("../package.json") as { version: string };
  return text;
}
