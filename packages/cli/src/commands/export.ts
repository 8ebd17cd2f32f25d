/** `orrery export <checkpoint> --out <dir>`: a checkpoint made ready to run. Out: progress on stderr, a description on stdout. */
import { relative, resolve } from "node:path";
import { isOnHub, oneOf, parse, PRECISIONS, usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { cancellable, fetchShown, shownOn } from "../load.ts";
import { descriptionLines } from "../view/description.ts";
import { LiveView } from "../view/live.ts";
import { duration } from "../view/numbers.ts";
import { createStyle } from "../view/style.ts";

const EXPERT_MODES = ["conditional", "merged"] as const;

/** @throws OrreryError for wrong arguments, an unreadable checkpoint, a directory that cannot be written */
export async function exportCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("export", args, {
    out: { type: "string" },
    weights: { type: "string" },
    experts: { type: "string" },
    force: { type: "boolean" },
    json: { type: "boolean" },
  });
  const [checkpoint, ...rest] = positionals;
  if (checkpoint === undefined || rest.length > 0) throw usage("export", "export takes one checkpoint");
  if (!values.out) throw usage("export", "export needs --out <dir>");
  const weights = oneOf("export", "weights", values.weights ?? "int8", PRECISIONS);
  const experts = values.experts === undefined ? undefined : oneOf("export", "experts", values.experts, EXPERT_MODES);
  const out = resolve(host.cwd, values.out);

  const engine = await host.engine();
  const view = new LiveView(host.stderr, createStyle(false));
  const began = performance.now();
  await host.interrupts.abortable(async (signal) => {
    const path = await localPath(signal);
    const options = { out, weights, ...(experts === undefined ? {} : { experts }), overwrite: values.force ?? false, signal };
    const show = shownOn(host, view);
    const exporting = engine.exportModel(path, { ...options, onProgress: (progress) => show({ type: "export", ...progress }) });
    await view.during("· reading the checkpoint", cancellable(exporting));
  });
  const description = await engine.describeExport(out);
  if (values.json) host.stdout.write(`${JSON.stringify(description)}\n`);
  else {
    const lines = [`${relative(host.cwd, out) || "."} written in ${duration(performance.now() - began)}`, ...descriptionLines(description)];
    host.stdout.write(`${lines.join("\n")}\n`);
  }
  return EXIT.ok;

  async function localPath(signal: AbortSignal): Promise<string> {
    return isOnHub(checkpoint!) ? (await fetchShown(host, view, checkpoint!, signal)).path : resolve(host.cwd, checkpoint!);
  }
}
