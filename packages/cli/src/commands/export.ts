/** `orrery export <checkpoint> --out <dir>`: a checkpoint made ready to run. Out: progress on stderr, a description on stdout. */
import { relative, resolve } from "node:path";
import { CACHE_FORMATS, isOnHub, oneOf, parse, PRECISIONS, usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { cancellable, fetchShown, shownOn } from "../load.ts";
import { descriptionLines } from "../view/description.ts";
import { LiveView } from "../view/live.ts";
import { duration } from "../view/numbers.ts";
import { createStyle } from "../view/style.ts";

const EXPERT_MODES = ["conditional", "merged"] as const;

/** Share of the tokens that go to experts of 8 bits, unless it is said. */
const DEFAULT_COVER = 0.75;

/** A number above 0 and at most 1. @throws UsageError `cli/usage` */
function share(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value > 0 && value <= 1) return value;
  throw usage("export", `--${name} takes a number above 0 and at most 1, found '${text}'`);
}

/** @throws OrreryError for wrong arguments, an unreadable checkpoint, a directory that cannot be written */
export async function exportCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("export", args, {
    out: { type: "string" },
    weights: { type: "string" },
    experts: { type: "string" },
    "expert-mass": { type: "string" },
    "expert-bits": { type: "string" },
    calibrate: { type: "string" },
    cache: { type: "string" },
    force: { type: "boolean" },
    json: { type: "boolean" },
  });
  const [checkpoint, ...rest] = positionals;
  if (checkpoint === undefined || rest.length > 0) throw usage("export", "export takes one checkpoint");
  if (!values.out) throw usage("export", "export needs --out <dir>");
  const weights = oneOf("export", "weights", values.weights ?? "int8", PRECISIONS);
  const experts = values.experts === undefined ? undefined : oneOf("export", "experts", values.experts, EXPERT_MODES);
  const expertMass = share("expert-mass", values["expert-mass"]);
  const cover = share("expert-bits", values["expert-bits"]) ?? DEFAULT_COVER;
  const { calibrate } = values;
  if (values["expert-bits"] !== undefined && calibrate === undefined) throw usage("export", "--expert-bits needs --calibrate <file.jsonl>");
  const cache = oneOf("export", "cache", values.cache ?? "float32", CACHE_FORMATS);
  const out = resolve(host.cwd, values.out);

  const engine = await host.engine();
  const view = new LiveView(host.stderr, createStyle(false));
  const began = performance.now();
  await host.interrupts.abortable(async (signal) => {
    const path = await localPath(signal);
    const calibration =
      calibrate === undefined ? undefined : { sequences: await engine.readCalibration(path, resolve(host.cwd, calibrate)), cover };
    const options = {
      out,
      weights,
      cache,
      ...(experts === undefined ? {} : { experts }),
      ...(expertMass === undefined ? {} : { expertMass }),
      ...(calibration === undefined ? {} : { calibration }),
      overwrite: values.force ?? false,
      signal,
    };
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
