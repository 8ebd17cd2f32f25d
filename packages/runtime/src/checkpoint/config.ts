/** The registry of families. In: a config.json's model_type or a GGUF's architecture. Out: the family that reads it. */
import { CheckpointError } from "../errors.ts";
import type { CheckpointFamily } from "./checkpoint-family.ts";
import { badConfig } from "./config-fields.ts";
import { gemma3 } from "./gemma3.ts";
import { gemma4 } from "./gemma4.ts";
import { graniteMoe } from "./granite-moe.ts";
import { quoted } from "./json.ts";

const FAMILIES: readonly CheckpointFamily[] = [gemma3, gemma4, graniteMoe];

/** @throws CheckpointError `checkpoint/bad-config`, `checkpoint/unsupported` */
export function familyOfModelType(modelType: unknown, file: string): CheckpointFamily {
  if (typeof modelType !== "string") throw badConfig(file, `model_type is ${quoted(modelType)}`, "a string");
  const known = FAMILIES.flatMap((family) => family.modelTypes);
  return FAMILIES.find((family) => family.modelTypes.includes(modelType)) ?? unknown(file, "model_type", modelType, known);
}

/** @throws CheckpointError `checkpoint/unsupported` */
export function familyOfArchitecture(architecture: string, file: string): CheckpointFamily {
  const known = FAMILIES.flatMap((family) => family.architectures);
  return (
    FAMILIES.find((family) => family.architectures.includes(architecture)) ?? unknown(file, "general.architecture", architecture, known)
  );
}

/** The family of a config's name. @throws CheckpointError `checkpoint/unsupported` */
export function familyNamed(name: string): CheckpointFamily {
  return (
    FAMILIES.find((family) => family.name === name) ??
    unknown(
      "config",
      "family",
      name,
      FAMILIES.map((family) => family.name),
    )
  );
}

function unknown(file: string, field: string, found: string, known: readonly string[]): never {
  throw new CheckpointError("checkpoint/unsupported", `${file}: ${field} is ${quoted(found)}, expected one of ${known.join(", ")}`, {
    hint: "this family of models cannot be run; choose a checkpoint of one that is listed",
  });
}
