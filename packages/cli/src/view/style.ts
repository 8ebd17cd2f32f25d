/** Colours of the view. In: text. Out: text in a style, or the same text where colours are off. */
import { styleText } from "node:util";

export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

type Format = Parameters<typeof styleText>[0];

/** All styles as escape sequences (`on`), or as nothing. */
export function createStyle(on: boolean): Style {
  const as = (format: Format) => (text: string) => (on && text !== "" ? styleText(format, text, { validateStream: false }) : text);
  return { dim: as("dim"), bold: as("bold"), red: as("red"), green: as("green"), yellow: as("yellow"), cyan: as("cyan") };
}

/** Colours are for a terminal, and off with `--no-color`, with NO_COLOR set to anything, or on a dumb terminal (no-color.org). */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
  noColor: boolean,
): boolean {
  return stream.isTTY === true && !noColor && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
