/** `npm run coding-assistant -- "task"`: the assistant on the command line. Exit code 0: the tests are green; 1: not; 2: wrong arguments. */
import { stream } from "@orrery/agent";
import { OrreryError, type ToolCall } from "@orrery/chat";
import { loadModel } from "@orrery/runtime";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { BUGS } from "./bugs.ts";
import { createCoder } from "./coder.ts";
import { practice } from "./practice.ts";
import { openRepository } from "./repository.ts";
import { runTests } from "./run-tests.ts";
import { changeLines, endLines, linesOf, printable } from "./screen.ts";

const HELP = `coding-assistant ["task"] [options]

  --repo <dir>     the repository; without it, a copy of the example's, with a bug in it
  --bug <name>     which bug: ${BUGS.map(({ name }) => name).join(", ")}
  --yes            make every edit without asking
  --tries <n>      edits that are tried (6)
  --free           edits may be any text in place of any, for models that are larger than the embedded one
  --model <dir>    another model
  --verbose        show the states of the chart, and how many moves were legal
  --help`;

const cancel = new AbortController();
process.once("SIGINT", () => cancel.abort());

try {
  process.exitCode = await main();
} catch (thrown) {
  if (!(thrown instanceof OrreryError) && !isUsage(thrown)) throw thrown;
  console.error(printable(`coding-assistant: ${thrown.message}`));
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repo: { type: "string" },
      bug: { type: "string", default: "free-shipping" },
      yes: { type: "boolean", default: false },
      tries: { type: "string", default: "6" },
      free: { type: "boolean", default: false },
      model: { type: "string" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return (console.log(HELP), 0);
  const bug = BUGS.find(({ name }) => name === values.bug);
  const tries = Number(values.tries);
  if (!bug || !Number.isInteger(tries) || tries < 1 || tries > 100) return (console.error(HELP), 2);
  await using copy = values.repo === undefined ? await practice(bug) : undefined;
  const repository = await openRepository(values.repo ?? copy!.folder);
  const task = positionals.join(" ").trim() || bug.task;
  console.log(`» ${printable(task)}`);
  const model = await loadModel(values.model, { signal: cancel.signal });
  try {
    const { workspace } = repository;
    const agent = createCoder(model, repository, {
      test: (options) => runTests(workspace.root, options),
      tries,
      edits: values.free ? "free" : "small",
    });
    const approve = async ({ input }: ToolCall): Promise<boolean> => {
      const text = await workspace.read(String(input["path"]));
      for (const line of changeLines(text, input)) console.log(line);
      return values.yes || asked();
    };
    for await (const event of stream(agent, task, { approve, signal: cancel.signal })) {
      if (values.verbose && event.type === "decision")
        console.log(`  · legal: ${event.moves.calls.map(({ name }) => name).join(", ") || "answer"}`);
      if (event.type !== "state" || values.verbose) for (const line of linesOf(event)) console.log(line);
      if (event.type !== "finish") continue;
      for (const line of endLines(event.result)) console.log(line);
      return event.result.status === "answered" ? 0 : 1;
    }
    return 1;
  } finally {
    await model.dispose();
  }
}

/** What `parseArgs` says of wrong options. */
function isUsage(thrown: unknown): thrown is Error {
  return thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS");
}

/** Only a yes that a person types allows an edit. */
async function asked(): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.log("? not made: there is nobody to ask, and --yes was not given");
    cancel.abort();
    return false;
  }
  const keyboard = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await keyboard.question("? make this edit [y/N] ", { signal: cancel.signal })).trim());
  } catch (thrown) {
    if (cancel.signal.aborted) return false;
    throw thrown;
  } finally {
    keyboard.close();
  }
}
