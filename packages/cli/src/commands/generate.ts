/** `orrery generate <dir> "text"`: plain continuation of a text, streamed as it comes. */
import { resolve } from "node:path";
import { parse, sampling, SAMPLING_OPTIONS, usage, wholeNumber } from "../arguments.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { errorObject, printError } from "../report.ts";
import { printable } from "../view/printable.ts";

/** More than any context holds. */
const MAX_TOKENS = 1_000_000;

/** @throws OrreryError for wrong arguments and for a model that cannot be loaded */
export async function generateCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("generate", args, {
    ...SAMPLING_OPTIONS,
    "max-tokens": { type: "string" },
    json: { type: "boolean" },
  });
  const [directory, ...words] = positionals;
  const text = words.join(" ");
  if (directory === undefined || text === "") throw usage("generate", "generate takes a directory and a text");
  const drawing = sampling("generate", values);
  const maxTokens = wholeNumber("generate", "max-tokens", values["max-tokens"], { min: 1, max: MAX_TOKENS });

  return host.interrupts.abortable(async (signal) => {
    const model = await (await host.engine()).loadModel(resolve(host.cwd, directory));
    try {
      const began = performance.now();
      let continuation = "";
      let cancelled = false;
      try {
        for await (const delta of model.generate(text, { sampling: drawing, signal, ...(maxTokens === undefined ? {} : { maxTokens }) })) {
          continuation += delta;
          if (!values.json) host.stdout.write(printable(delta));
        }
      } catch (error) {
        if (!signal.aborted) throw error;
        cancelled = true;
      }
      const error = cancelled || signal.aborted ? new CliError("cli/cancelled", "cancelled") : undefined;
      const outcome = {
        text: continuation,
        ...(error ? { error: errorObject(error) } : {}),
        timings: { totalMs: performance.now() - began },
      };
      host.stdout.write(values.json ? `${JSON.stringify(outcome)}\n` : "\n");
      if (error) printError(error, host.stderr);
      return error ? EXIT.cancelled : EXIT.ok;
    } finally {
      await model.dispose();
    }
  });
}
