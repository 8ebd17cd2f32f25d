/**
 * The export's graph with packed weights. In: model.onnx, the packed weights. Out: the same graph, whose references lead from the root of
 * the file system, so that weights of the export and blobs of the cache can be named together. Law: nothing but references changes.
 */
import { basename, dirname, join, parse, relative, sep } from "node:path";
import { SessionError } from "../errors.ts";
import { rewriteExternal, type ExternalTensor, type Reference } from "../onnx/external-data.ts";
import type { PackedWeights } from "./packed-weights.ts";

/** A model and the directory that its references start from. */
export interface RootedModel {
  readonly model: Uint8Array;
  readonly root: string;
}

/**
 * The model with references from the root. @param path Absolute path of model.onnx, beside which its weights lie
 * @throws SessionError `session/prepack-failed`, GraphError `graph/malformed`
 */
export function fromRoot(path: string, model: Uint8Array): RootedModel {
  return { root: parse(path).root, model: rewriteExternal(model, (tensor) => besideGraph(path, tensor)) };
}

/** As {@link fromRoot}, and the carrier lists the blobs. */
export function packedGraph(path: string, model: Uint8Array, { path: blobs, carrier, packed }: PackedWeights): RootedModel {
  const { root } = parse(path);
  if (parse(blobs).root !== root) throw notCarried(`${blobs} and ${path} are on different drives`);
  let carriers = 0;
  const rewritten = rewriteExternal(model, (tensor) => {
    const reference = besideGraph(path, tensor);
    if (tensor.nested || tensor.name !== carrier.name || tensor.range.length !== carrier.range.length) return reference;
    carriers++;
    return { location: relativeToRoot(blobs), range: carrier.range, packed };
  });
  if (carriers !== 1) throw notCarried(`${carriers} weights are the carrier ${carrier.name}, expected one`);
  return { root, model: rewritten };
}

/** @throws SessionError from the root every file could be named; only those beside the graph may be */
function besideGraph(path: string, { name, location, range }: ExternalTensor): Reference {
  if (location !== basename(location) || /[\\/\0]|^\.*$/.test(location))
    throw notCarried(`${name} lies in ${JSON.stringify(location)}, expected a file beside the graph`);
  return { location: relativeToRoot(join(dirname(path), location)), range, packed: [] };
}

function relativeToRoot(file: string): string {
  return relative(parse(file).root, file).split(sep).join("/");
}

function notCarried(why: string): SessionError {
  return new SessionError("session/prepack-failed", `packed weights cannot be used: ${why}`, {
    hint: "set $ORRERY_CACHE to a directory on the drive of the model",
  });
}
