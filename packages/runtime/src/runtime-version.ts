/** Version of this package. */
import { createRequire } from "node:module";

export function runtimeVersion(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return version;
}
