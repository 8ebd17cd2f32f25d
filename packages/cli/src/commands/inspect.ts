/**
 * `orrery inspect <dir|checkpoint>`: what an export or a directory of ONNX graphs is, or what a checkpoint would become. Nothing but headers
 * is read; of a model of the hub that is not in the cache, nothing but the list of its files.
 */
import { OrreryError } from "@orrery/chat";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { isOnHub, parse, usage } from "../arguments.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Host } from "../host.ts";
import { describeShown } from "../load.ts";
import { descriptionLines } from "../view/description.ts";
import { LiveView } from "../view/live.ts";
import { createStyle } from "../view/style.ts";

/** Its presence tells an export from a checkpoint's directory. */
const MANIFEST = "manifest.json";

/** @throws OrreryError for wrong arguments and for files that are neither */
export async function inspectCommand(args: readonly string[], host: Host): Promise<ExitCode> {
  const { values, positionals } = parse("inspect", args, { json: { type: "boolean" } });
  const [given, ...rest] = positionals;
  if (given === undefined || rest.length > 0) throw usage("inspect", "inspect takes one directory or checkpoint");
  const engine = await host.engine();
  const description = await describe(given);
  host.stdout.write(values.json ? `${JSON.stringify(description)}\n` : `${descriptionLines(description).join("\n")}\n`);
  return EXIT.ok;

  async function describe(source: string): Promise<object> {
    if (isOnHub(source)) {
      const view = new LiveView(host.stderr, createStyle(false));
      const { files, ...model } = await host.interrupts.abortable((signal) => describeShown(host, view, source, signal));
      const facts = { ...model, files: files.map(({ path }) => path) };
      return model.cachedBytes === model.bytes ? { ...facts, checkpoint: await describeCheckpoint(model.path) } : facts;
    }
    const path = resolve(host.cwd, source);
    return existsSync(join(path, MANIFEST)) ? engine.describeExport(path) : describeCheckpoint(path).catch(orGraphs(path));
  }

  /** A directory without weights may hold ONNX graphs; one with both is a checkpoint, which can be exported. */
  function orGraphs(path: string): (error: unknown) => Promise<object> {
    return async (error) => {
      const graphs =
        error instanceof OrreryError && error.code === "checkpoint/missing-file" ? await engine.describeOnnxRepository(path) : null;
      if (graphs === null) throw error;
      return graphs;
    };
  }

  async function describeCheckpoint(file: string): Promise<object> {
    const checkpoint = await engine.openCheckpoint(file);
    try {
      return engine.describeCheckpoint(checkpoint);
    } finally {
      await checkpoint.close();
    }
  }
}
