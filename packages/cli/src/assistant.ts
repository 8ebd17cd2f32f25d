/**
 * The agent of `run` and `chat`. In: the command's options. Out: an agent for a task, with the tools that fit it. Law: this is where
 * the command line joins model, tools and limits, and the only such place.
 */
import { createAgent, type Agent } from "@orrery/agent";
import { toOrreryError, type ChatModel, type Sampling } from "@orrery/chat";
import { openWorkspace, type Workspace } from "@orrery/files";
import { resolve } from "node:path";
import { AGENT_OPTIONS, modelArguments, parse, sampling, usage, wholeNumber, type ModelArguments } from "./arguments.ts";
import { UsageError } from "./errors.ts";
import type { Host } from "./host.ts";
import { connectServers } from "./servers.ts";
import { chooseTools, namedTools } from "./toolbox.ts";
import { builtinTools } from "./tools/builtin.ts";
import { wallClock } from "./tools/calendar.ts";

/** Decisions more than this are a loop, not a plan. */
const MAX_STEPS = 100;

/** "What time is it in Tokyo and in Oslo?" is two calls of one reply; Orrery Mini was trained on up to four. */
const PARALLEL = 4;

export interface AgentArguments {
  readonly command: string;
  readonly source: ModelArguments;
  readonly tools: string | undefined;
  /** Servers whose tools there are too: commands, or addresses. */
  readonly mcp: readonly string[];
  readonly maxSteps: number | undefined;
  readonly cwd: string;
  /** `yes`: nothing is asked. */
  readonly flags: { readonly yes: boolean; readonly verbose: boolean; readonly noColor: boolean };
  readonly sampling: Sampling;
}

/** The options that `run` and `chat` share. @throws UsageError `cli/usage` */
export function agentArguments(command: string, values: ReturnType<typeof parseAgent>["values"], host: Host): AgentArguments {
  if (values.model === "") throw usage(command, "--model takes a directory, or hf:owner/name");
  return {
    command,
    source: modelArguments(command, values.model, values, host.cwd),
    tools: values.tools,
    mcp: values.mcp ?? [],
    maxSteps: wholeNumber(command, "max-steps", values["max-steps"], { min: 1, max: MAX_STEPS }),
    cwd: resolve(host.cwd, values.cwd ?? "."),
    flags: { yes: values.yes ?? false, verbose: values.verbose ?? false, noColor: values["no-color"] ?? false },
    sampling: sampling(command, values),
  };
}

/** Parses the arguments of `run` and `chat`. @throws UsageError `cli/usage` */
export function parseAgent(command: string, args: readonly string[]) {
  return parse(command, args, { ...AGENT_OPTIONS, json: { type: "boolean" }, session: { type: "string" } });
}

export interface Assistant extends AsyncDisposable {
  readonly workspace: Workspace;
  /** Lines about tools of servers that are left out. */
  readonly left: readonly string[];
  /** The agent for a task; `kept` are the tools of the conversation's earlier turns. */
  agentFor(model: ChatModel, task: string, kept?: readonly string[]): Agent;
}

/** @throws UsageError `cli/usage` when `--cwd` is no folder, `cli/unknown-tool`; McpError for a server that cannot be reached */
export async function openAssistant(options: AgentArguments, now: () => Date): Promise<Assistant> {
  const workspace = await openWorkspace(options.cwd).catch((thrown: unknown) => {
    throw new UsageError("cli/usage", `--cwd: ${toOrreryError(thrown, "cli/usage").message}`, {
      hint: "name a folder that exists",
      cause: thrown,
    });
  });
  const builtins = builtinTools(workspace, now);
  const servers = await connectServers(options.command, options.mcp, options.cwd, builtins);
  const all = [...builtins, ...servers.tools];
  const close = (): PromiseLike<void> => servers[Symbol.asyncDispose]();
  let named: ReturnType<typeof namedTools> | undefined;
  try {
    named = options.tools === undefined ? undefined : namedTools(options.tools, all);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    workspace,
    left: servers.left,
    [Symbol.asyncDispose]: close,
    agentFor(model, task, kept) {
      const chosen = named ?? chooseTools(task, all, kept);
      return createAgent({
        model,
        tools: chosen.map(({ tool }) => tool),
        instructions: instructions(now()),
        limits: { parallel: PARALLEL, ...(options.maxSteps === undefined ? {} : { steps: options.maxSteps }) },
        approval: options.flags.yes ? "never" : "writes",
      });
    },
  };
}

/** In the words of the model's training data. The date is the one on this machine's wall. */
function instructions(now: Date): string {
  const { date } = wallClock(now, Intl.DateTimeFormat().resolvedOptions().timeZone);
  return `You are a helpful assistant with access to tools. Today's date: ${date}.`;
}
