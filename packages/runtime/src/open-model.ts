/** A model's directory, whoever wrote it. In: the directory. Out: an export of ours, or graphs of onnx-community, Optimum and their like. */
import { quoted } from "./checkpoint/json.ts";
import { openExport, type OpenedExport } from "./open-export.ts";
import { openOnnxRepository, unknownVariant, type OnnxRepository } from "./open-onnx-repository.ts";

/** An export has a `manifest`, a repository does not. */
export type OpenedModel = OpenedExport | OnnxRepository;

/**
 * Opens a directory by what lies in it: with manifest.json it is an export.
 * @param variant Which graph of a repository; see {@link openOnnxRepository}.
 * @throws ExportError as {@link openExport}, and `export/unknown-variant`; CheckpointError as {@link openOnnxRepository}
 */
export async function openModel(directory: string, variant?: string): Promise<OpenedModel> {
  const repository = await openOnnxRepository(directory, variant);
  if (repository !== null) return repository;
  const opened = await openExport(directory);
  if (variant === undefined) return opened;
  throw unknownVariant(`${directory} is an export, so there is no variant ${quoted(variant)}`);
}

export function isExport(opened: OpenedModel): opened is OpenedExport {
  return "manifest" in opened;
}
