/** `orrery precision <dir> <file.jsonl> --reference <dir>`: what each precision and each rule of a policy costs and keeps, as table, JSON, picture. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parse, usage, wholeNumber } from "../arguments.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Engine, Host } from "../host.ts";
import { createStyle } from "../view/style.ts";
import { LiveView } from "../view/live.ts";

/** More conversations than anyone waits for. */
const MAX_CONVERSATIONS = 100_000;
/** A policy has at most some kilobytes. */
const MAX_POLICY_BYTES = 2 ** 20;

/** @throws OrreryError for wrong arguments, for models that cannot be loaded or are not of one checkpoint */
export async function precisionCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("precision", args, {
    reference: { type: "string" },
    fixed: { type: "string", multiple: true },
    also: { type: "string", multiple: true },
    policy: { type: "string" },
    limit: { type: "string" },
    threads: { type: "string" },
    svg: { type: "string" },
    json: { type: "boolean" },
  });
  const [directory, file, ...rest] = positionals;
  if (directory === undefined || file === undefined || rest.length > 0)
    throw usage("precision", "precision takes the directory of a model and a file of conversations");
  if (values.reference === undefined)
    throw usage("precision", "precision needs --reference <dir>, a float32 export of the same checkpoint");
  const path = (given: string): string => resolve(host.cwd, given);
  const limit = wholeNumber("precision", "limit", values.limit, { min: 1, max: MAX_CONVERSATIONS }) ?? MAX_CONVERSATIONS;
  const threads = wholeNumber("precision", "threads", values.threads, { min: 1, max: 256 });
  const reference = path(values.reference);

  const engine = await host.engine();
  const policy = values.policy === undefined ? engine.DEFAULT_POLICY : await readPolicy(path(values.policy), engine);
  const conversations = engine.readConversations(path(file), limit);
  const view = new LiveView(host.stderr, createStyle(false));
  view.status("· loading the models");
  const report = await host.interrupts
    .abortable(async (signal) =>
      engine
        .measurePrecision({
          reference,
          fixed: (values.fixed ?? []).map(path),
          choosing: [directory, ...(values.also ?? [])].map(path),
          policy,
          conversations,
          signal,
          ...(threads === undefined ? {} : { threads }),
          onTurn: (done, total) => view.status(`· ${done} of ${total} turns`),
        })
        .catch((thrown: unknown) => {
          throw signal.aborted ? new CliError("cli/cancelled", "cancelled") : thrown;
        }),
    )
    .finally(() => view.endLine());
  host.stdout.write(`${values.json ? JSON.stringify(report) : engine.precisionTable(report)}\n`);
  if (values.svg !== undefined) await writeFile(path(values.svg), engine.precisionChart(report)); // may fail, and the work of minutes is told
  return EXIT.ok;
}

/** @throws CliError `cli/bad-policy`; PrecisionError `precision/bad-policy` */
async function readPolicy(file: string, { parsePolicy }: Engine): Promise<ReturnType<Engine["parsePolicy"]>> {
  let json: unknown;
  try {
    const { size } = await stat(file);
    if (size > MAX_POLICY_BYTES) throw new RangeError(`it has ${size} bytes, expected at most ${MAX_POLICY_BYTES}`);
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new CliError("cli/bad-policy", `${file} cannot be read as a policy: ${cause instanceof Error ? cause.message : String(cause)}`, {
      hint: "docs/precision.md has the form",
      cause,
    });
  }
  return parsePolicy(json);
}
