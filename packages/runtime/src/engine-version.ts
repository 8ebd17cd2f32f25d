/** Version of the installed engine, read without loading it. */
import { createRequire } from "node:module";

export function engineVersion(): string {
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return version;
}
