/** `orrery inspect <dir|checkpoint>`: what an export is, or what a checkpoint would become. Nothing but headers is read. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { descriptionLines } from "../view/description.ts";

/** Its presence tells an export from a checkpoint's directory. */
const MANIFEST = "manifest.json";

/** @throws OrreryError for wrong arguments and for files that are neither */
export async function inspectCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("inspect", args, { json: { type: "boolean" } });
  const [given, ...rest] = positionals;
  if (given === undefined || rest.length > 0) throw usage("inspect", "inspect takes one directory or checkpoint");
  const path = resolve(host.cwd, given);
  const engine = await host.engine();
  const description = existsSync(join(path, MANIFEST)) ? await engine.describeExport(path) : await describeCheckpoint(path);
  host.stdout.write(values.json ? `${JSON.stringify(description)}\n` : `${descriptionLines(description).join("\n")}\n`);
  return EXIT.ok;

  async function describeCheckpoint(file: string): Promise<object> {
    const checkpoint = await engine.openCheckpoint(file);
    try {
      return engine.describeCheckpoint(checkpoint);
    } finally {
      await checkpoint.close();
    }
  }
}
