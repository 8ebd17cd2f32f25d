/** Errors for people and for programs. In: an error. Out: message and hint on stderr, or a plain object. */
import type { OrreryError } from "@orrery/chat";
import type { OutputStream } from "./host.ts";
import { printable } from "./view/printable.ts";

/** Message, then hint. */
export function printError(error: OrreryError, stderr: OutputStream): void {
  const hint = error.hint === undefined ? "" : `  hint: ${printable(error.hint)}\n`;
  stderr.write(`orrery: ${printable(error.message)}\n${hint}`);
}

/** `{ code, message, hint }`, the form of `--json`. */
export function errorObject({ code, message, hint }: OrreryError): { code: string; message: string; hint?: string } {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
