/** `@orrery/model`: where the embedded model lies. Out: the absolute path of the folder with its graph, weights, tokenizer and manifest. */
import { fileURLToPath } from "node:url";

/** Absolute path of the exported Orrery Mini; `loadModel` of `@orrery/runtime` reads it. */
export const modelDirectory: string = fileURLToPath(new URL("../data", import.meta.url));
