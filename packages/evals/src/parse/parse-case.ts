/** Replies with the calls that stand in them, as they lie in a .jsonl file. In: a file. Out: cases. */
import { readFileSync, statSync } from "node:fs";
import { jsonObjectSchema, OrreryError } from "@orrery/chat";
import { TEXT_FORMATS } from "@orrery/runtime";
import { z } from "zod";

const FORM = "packages/evals/fixtures/README.md describes the form, one case a line";

const caseSchema = z.object({
  text: z.string(),
  calls: z.array(z.object({ name: z.string(), arguments: jsonObjectSchema })),
  format: z.enum(TEXT_FORMATS).default("gemma4"),
  name: z.string().optional(),
});

/** A reply and the calls that a parser should find in it. */
export type ParseCase = z.infer<typeof caseSchema> & { readonly line: number };

/** @throws OrreryError `eval/bad-file` when there is no case that can be read; `eval/bad-line` with the number of the line */
export function readParseCases(file: string | URL): ParseCase[] {
  const cases = readText(file)
    .split("\n")
    .map((text, at) => ({ text, line: at + 1 }))
    .filter(({ text }) => text.trim() !== "")
    .map(({ text, line }) => parseLine(text, line, file));
  if (cases.length === 0) throw badFile(file, "it holds no case");
  return cases;
}

function parseLine(text: string, line: number, file: string | URL): ParseCase {
  try {
    return { ...caseSchema.parse(JSON.parse(text)), line };
  } catch (cause) {
    throw new OrreryError("eval/bad-line", `${String(file)}, line ${line} is not a parse case`, { hint: FORM, cause });
  }
}

function readText(file: string | URL): string {
  try {
    if (!statSync(file).isFile()) throw new Error("it is no file"); // a pipe would never end
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw badFile(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function badFile(file: string | URL, why: string, cause?: unknown): OrreryError {
  return new OrreryError("eval/bad-file", `${String(file)} cannot be read as parse cases: ${why}`, { hint: FORM, cause });
}
