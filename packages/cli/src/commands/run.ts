/** `orrery run "task"`: one task, answered with tools. Out: the moves and the answer, or one JSON object. */
import { run, type RunResult } from "@orrery/agent";
import type { OrreryError } from "@orrery/chat";
import { createApprover } from "../approval.ts";
import { agentArguments, openAssistant, parseAgent } from "../assistant.ts";
import { usage } from "../arguments.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { styleOf, type Host } from "../host.ts";
import { loadShown } from "../load.ts";
import { errorObject, printError } from "../report.ts";
import { LineReader } from "../view/line-reader.ts";
import { summaryLine } from "../view/lines.ts";
import { LiveView } from "../view/live.ts";
import { printableLine } from "../view/printable.ts";
import { createStyle } from "../view/style.ts";
import { conversationId, openTracing } from "../tracing.ts";

/** What runs when no task is given: two tools, the second of which needs what the first found. */
export const DEMONSTRATION = "Work out how many days there are between 2026-03-03 and 2026-04-19 and multiply the total by 24.";

/** Runs one task. @throws OrreryError for wrong arguments and for a model that cannot be loaded */
export async function runCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parseAgent("run", args);
  const options = agentArguments("run", values, host);
  if (values.session !== undefined) throw usage("run", "run has no --session; use chat");
  const json = values.json ?? false;
  const given = positionals.length === 0 ? undefined : positionals.join(" ").trim();
  if (given === "") throw usage("run", "the task is empty");
  const task = given ?? DEMONSTRATION;
  // With --json only the one object goes to stdout; questions go to stderr and moves are not shown.
  const screen = json ? host.stderr : host.stdout;
  const style = json ? createStyle(false) : styleOf(host, options.flags.noColor);
  const view = new LiveView(screen, style);
  await using assistant = await openAssistant(options, host.now);
  const tracing = openTracing("run", values, host.cwd);

  return await host.interrupts.abortable(async (signal) => {
    if (given === undefined)
      view.line(`${style.dim("No task was given, so here is a demonstration:")}\n${style.dim(`orrery run "${task}"`)}\n`);
    const model = await loadShown(host, view, options.source, signal);
    const canAsk = host.stdin.isTTY === true && screen.isTTY === true;
    const reader = canAsk && !options.flags.yes ? new LineReader(host.stdin, screen, () => host.interrupts.raise()) : undefined;
    try {
      const agent = assistant.agentFor(model, task);
      if (options.flags.verbose)
        for (const line of [...assistant.left, `tools: ${agent.tools.map(({ name }) => name).join(", ")}`])
          view.line(style.dim(printableLine(line)));
      const trace = tracing.of(conversationId(undefined));
      const approver = createApprover({ workspace: assistant.workspace, reader, view, out: screen, style, stderr: host.stderr, signal });
      const result = await run(agent, task, {
        signal,
        sampling: options.sampling,
        approve: approver.approve,
        onEvent: (event) => (json ? undefined : view.event(event)),
        ...(trace ? { trace } : {}),
      });
      view.endLine();
      if (json) host.stdout.write(`${JSON.stringify(resultObject(result))}\n`);
      else if (result.status === "answered") view.line(`\n${style.dim(summaryOf(result))}`);
      if (result.status !== "answered") printError(resultError(result), host.stderr);
      return exitCode(result, approver.unasked());
    } finally {
      reader?.close();
      view.endLine();
      await tracing.close(host.stderr);
      await model.dispose();
    }
  });
}

export function summaryOf({ decisions, illegal, usage, timings }: RunResult): string {
  return summaryLine({ decisions, illegal, usage, milliseconds: timings.totalMs });
}

/** Why a run has no answer: a failed one has an error, and none waits here, so without an error it was cancelled. */
export function resultError({ error }: RunResult): OrreryError {
  return error ?? new CliError("cli/cancelled", "cancelled");
}

/** The object of `--json`: the answer, or the error in its place; steps that were done are there either way. */
function resultObject(result: RunResult): object {
  const { status, answer, steps, usage, timings } = result;
  return { ...(status === "answered" ? { answer } : { error: errorObject(resultError(result)) }), steps, usage, timings };
}

function exitCode({ status }: RunResult, unasked: boolean): ExitCode {
  if (status === "answered") return unasked ? EXIT.unasked : EXIT.ok;
  return status === "cancelled" ? EXIT.cancelled : EXIT.failed;
}
