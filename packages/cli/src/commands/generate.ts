/** `orrery generate <model> "text"`: plain continuation of a text, streamed as it comes. */
import { MODEL_OPTIONS, modelArguments, parse, sampling, usage, wholeNumber } from "../arguments.ts";
import { CliError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { loadShown } from "../load.ts";
import { errorObject, printError } from "../report.ts";
import { LiveView } from "../view/live.ts";
import { printable } from "../view/printable.ts";
import { createStyle } from "../view/style.ts";

/** More than any context holds. */
const MAX_TOKENS = 1_000_000;

/** @throws OrreryError for wrong arguments and for a model that cannot be loaded */
export async function generateCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("generate", args, {
    ...MODEL_OPTIONS,
    "max-tokens": { type: "string" },
    json: { type: "boolean" },
  });
  const [named, ...words] = positionals;
  const text = words.join(" ");
  if (named === undefined || text === "") throw usage("generate", "generate takes a model (a directory, or hf:owner/name) and a text");
  const source = modelArguments("generate", named, values, host.cwd);
  const drawing = sampling("generate", values);
  const maxTokens = wholeNumber("generate", "max-tokens", values["max-tokens"], { min: 1, max: MAX_TOKENS });

  return host.interrupts.abortable(async (signal) => {
    const model = await loadShown(host, new LiveView(host.stderr, createStyle(false)), source, signal);
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
