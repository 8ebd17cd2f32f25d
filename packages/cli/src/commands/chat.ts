/**
 * `orrery chat`: a conversation. In: lines. Out: moves and answers as they come. Law: a cancelled or failed turn never costs the
 * conversation; what was said stays said.
 */
import { run, type RunResult } from "@orrery/agent";
import { toOrreryError, type Message } from "@orrery/chat";
import { resolve } from "node:path";
import { createApprover } from "../approval.ts";
import { agentArguments, openAssistant, parseAgent, type AgentArguments, type Assistant } from "../assistant.ts";
import { usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { styleOf, type Host, type OpenModel } from "../host.ts";
import { loadShown } from "../load.ts";
import { printError } from "../report.ts";
import { chatPath, readChat, recall, remember, writeChat, type SavedChat } from "../saved-chat.ts";
import { LineReader } from "../view/line-reader.ts";
import { LiveView } from "../view/live.ts";
import type { Style } from "../view/style.ts";
import { conversationId, openTracing, type Tracing } from "../tracing.ts";
import { resultError, summaryOf } from "./run.ts";

interface Conversation {
  readonly host: Host;
  readonly options: AgentArguments;
  readonly assistant: Assistant;
  readonly model: OpenModel;
  readonly reader: LineReader;
  readonly view: LiveView;
  readonly style: Style;
  readonly tracing: Tracing;
  /** File of the conversation. */
  readonly session: string | undefined;
}

/** @throws OrreryError for wrong arguments and for a model that cannot be loaded */
export async function chatCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parseAgent("chat", args);
  if (positionals.length > 0) throw usage("chat", `chat takes no task, found '${positionals[0]}'`);
  if (values.json) throw usage("chat", "chat has no --json; use run");
  if (values.session === "") throw usage("chat", "--session takes a file");
  const options = agentArguments("chat", values, host);
  const session = values.session === undefined ? undefined : await chatPath(resolve(host.cwd, values.session));
  const style = styleOf(host, options.flags.noColor);
  const view = new LiveView(host.stdout, style);
  await using assistant = await openAssistant(options, host.now);
  const tracing = openTracing("chat", values, host.cwd);
  const saved = session === undefined ? { messages: [], tools: [] } : await readChat(session);
  const model = await host.interrupts.abortable((signal) => loadShown(host, view, options.source, signal));
  const reader = new LineReader(host.stdin, host.stdout, () => host.interrupts.raise());
  try {
    view.line(style.dim(`${model.id} · Ctrl-C cancels a turn · /new forgets the conversation · /exit leaves`));
    const forgotten = session === undefined ? undefined : await view.during("· taking up the conversation", recall(model, session));
    if (forgotten !== undefined) view.line(style.dim(`the conversation is computed again: ${forgotten}`));
    const kept = await converse({ host, options, assistant, model, reader, view, style, tracing, session }, saved);
    view.endLine();
    if (!kept) return EXIT.failed;
    const unsaved = session === undefined ? undefined : await view.during("· saving the conversation", remember(model, session));
    if (unsaved !== undefined) view.line(style.dim(`the conversation is saved, but will be computed again: ${unsaved}`));
    return EXIT.ok;
  } finally {
    reader.close();
    await tracing.close(host.stderr);
    await model.dispose();
  }
}

/** → whether the conversation's file, if it has one, holds all of it. */
async function converse(conversation: Conversation, saved: SavedChat): Promise<boolean> {
  const { view, style, assistant, model, options } = conversation;
  let { messages, tools } = saved;
  let id = conversationId(conversation.session);
  let kept = true;
  for (;;) {
    const line = await nextLine(conversation);
    if (line === undefined || line === "/exit" || line === "/quit") return kept;
    if (line === "") continue;
    if (line === "/new") {
      messages = [];
      tools = [];
      id = conversationId(undefined);
      kept = await keep(conversation, { messages, tools });
      view.line(style.dim("a new conversation"));
      continue;
    }
    const agent = assistant.agentFor(model, line, tools);
    tools = agent.tools.map(({ name }) => name);
    if (options.flags.verbose) view.line(style.dim(`tools: ${tools.join(", ")}`));
    const result = await turn(conversation, agent, { task: line, messages, id });
    view.endLine();
    if (result.status === "answered") view.line(`${style.dim(summaryOf(result))}\n`);
    else if (result.status === "cancelled") view.line(style.dim("cancelled"));
    else printError(resultError(result), conversation.host.stderr);
    // A turn that failed is not part of the conversation: a prompt that was too long would stay too long.
    if (result.status !== "answered" && result.status !== "cancelled") continue;
    messages = result.messages;
    kept = await keep(conversation, { messages, tools });
  }
}

/** Writes the conversation down; a disk that is full is told and costs no turn: the next one writes all of them. */
async function keep({ session, host, view }: Conversation, saved: SavedChat): Promise<boolean> {
  if (session === undefined) return true;
  try {
    await writeChat(session, saved);
    return true;
  } catch (thrown) {
    view.endLine();
    printError(toOrreryError(thrown, "cli/bad-session"), host.stderr);
    return false;
  }
}

function turn(
  { host, options, assistant, reader, view, style, tracing }: Conversation,
  agent: ReturnType<Assistant["agentFor"]>,
  { task, messages, id }: { readonly task: string; readonly messages: readonly Message[]; readonly id: string },
): Promise<RunResult> {
  return host.interrupts.abortable((signal) => {
    const keyboard = host.stdin.isTTY === true && host.stdout.isTTY === true ? reader : undefined;
    const { approve } = createApprover({
      workspace: assistant.workspace,
      reader: keyboard,
      view,
      out: host.stdout,
      style,
      stderr: host.stderr,
      signal,
    });
    const trace = tracing.of(id);
    return run(agent, task, {
      messages,
      signal,
      approve,
      sampling: options.sampling,
      onEvent: (event) => view.event(event),
      ...(trace ? { trace } : {}),
    });
  });
}

/** The next line, trimmed; undefined at the end of the input and at the second Ctrl-C. */
async function nextLine({ host, reader, view, style }: Conversation): Promise<string | undefined> {
  const controller = new AbortController();
  let state: "reading" | "warned" = "reading";
  const stop = host.interrupts.listen(() => {
    if (state === "warned") return controller.abort();
    state = "warned";
    view.line(`\n${style.dim("Ctrl-C again, or /exit, leaves")}`);
    reader.restart();
  });
  try {
    return (await reader.read(style.cyan("› "), controller.signal))?.trim();
  } finally {
    stop();
  }
}
