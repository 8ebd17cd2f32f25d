/** Finds the embedded model: the data of `@orrery/model`, when that package is installed beside this one. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { ExportError } from "./errors.ts";
import { MANIFEST_FILE } from "./manifest.ts";

/** Absolute path of the embedded model's directory. @throws ExportError `export/no-embedded-model` */
export function embeddedModelDirectory(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`@orrery/model/data/${MANIFEST_FILE}`));
  } catch (cause) {
    throw new ExportError("export/no-embedded-model", "no model was named and the package @orrery/model is not installed", {
      hint: "npm install @orrery/model, or name the directory of an exported model",
      cause,
    });
  }
}
