/**
 * Which experts a text uses, and how many bits each deserves. In: a checkpoint, sequences of token ids. Out: per layer and expert the share
 * of routed tokens, and from it the bits. Law: it is counted by the model's own router, on its own graph with 8-bit weights.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheLayers } from "../checkpoint/model-config.ts";
import type { Checkpoint } from "../checkpoint/tensor.ts";
import { ExportError } from "../errors.ts";
import type { Family } from "../families/family.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { MODEL_FILE } from "../manifest.ts";
import { encodeModel } from "../onnx/model.ts";
import { runGraph } from "../session/run-graph.ts";
import { materialize } from "../weights/materialize.ts";
import { planContents } from "./contents.ts";
import { writeDataFile } from "./data-file.ts";
import { firstRun } from "./first-run.ts";

export interface Calibration {
  /** Token ids of texts like those the model will see. At least one, none empty. */
  readonly sequences: readonly (readonly number[])[];
  /** Share of a layer's routed tokens, 0 … 1, whose experts keep 8 bits; the others get 4. */
  readonly cover: number;
}

const BUILD = { experts: "conditional", accuracyLevel: 4 } as const;

/** Bits of each expert by layer. @throws ExportError `export/no-experts`, `export/calibration`, and as an export */
export async function calibrateExperts(family: Family, checkpoint: Checkpoint, { sequences, cover }: Calibration): Promise<(4 | 8)[][]> {
  const { experts, vocabularySize, contextLength } = checkpoint.config;
  if (experts === null)
    throw new ExportError("export/no-experts", `${checkpoint.path} has no experts to calibrate`, { hint: "leave the calibration out" });
  const wrong = sequences.find(
    (ids) => ids.length === 0 || ids.length > contextLength || ids.some((id) => !(id >= 0 && id < vocabularySize)),
  );
  if (sequences.length === 0 || wrong !== undefined || !(cover > 0 && cover <= 1))
    throw new ExportError(
      "export/calibration",
      `calibration has ${sequences.length} sequences, cover ${cover}; an empty, too long or foreign one among them: ${wrong !== undefined}`,
      {
        hint: "give texts that the context holds, in this model's tokens, and a share above 0 and at most 1",
      },
    );
  const shares = await expertShares(family, checkpoint, sequences);
  return shares.map((layer) => hot(layer, cover));
}

/** 8 for the smallest set of experts that the share of tokens goes to. */
export function hot(shares: readonly number[], cover: number): (4 | 8)[] {
  const order = [...shares.keys()].sort((a, b) => shares[b]! - shares[a]!);
  const bits = shares.map((): 4 | 8 => 4);
  let reached = 0;
  for (const expert of order) {
    if (reached >= cover - 1e-9) break;
    bits[expert] = 8;
    reached += shares[expert]!;
  }
  return bits;
}

/** Per layer and expert the share of routed tokens. */
async function expertShares(family: Family, checkpoint: Checkpoint, sequences: Calibration["sequences"]): Promise<number[][]> {
  const { config } = checkpoint;
  const directory = await mkdtemp(join(tmpdir(), "orrery-calibration-"));
  try {
    const { dataFiles, graph } = planContents(family, checkpoint, "int8", BUILD);
    for (const file of dataFiles)
      await writeDataFile(
        directory,
        file,
        (weight, sink) => materialize(weight, checkpoint, sink),
        () => {},
      );
    const outputs = routesOf(graph).map((route, layer) => {
      graph.output(`route.${layer}`, route);
      return `route.${layer}`;
    });
    const path = join(directory, MODEL_FILE);
    await writeFile(path, encodeModel(graph));
    const feeds = sequences.map((ids) => firstRun(ids, cacheLayers(config)));
    const runs = await runGraph({ path, feeds, outputs });
    return outputs.map((_, layer) =>
      sharesOf(
        runs.map((run) => run[layer]!),
        config.experts!.count,
      ),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The routers' choices, layer by layer: nothing else in a decoder takes the best of many. */
function routesOf(graph: Graph): Value[] {
  return graph.nodes.filter(({ operator }) => operator === "TopK").map(({ outputs }) => outputs[1]!);
}

function sharesOf(routes: readonly BigInt64Array[], count: number): number[] {
  const uses = Array.from({ length: count }, () => 0);
  for (const route of routes) for (const expert of route) uses[Number(expert)]!++;
  const total = uses.reduce((sum, n) => sum + n, 0);
  return uses.map((n) => n / total);
}
