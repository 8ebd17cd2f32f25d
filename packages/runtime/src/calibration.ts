/**
 * Texts to calibrate on, as the model reads them. In: a .jsonl file, a checkpoint's tokenizer. Out: sequences of ids. Law: here the text of
 * a control token is that token, because such files are written by whoever exports the model, not by those who talk to it.
 */
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import { ExportError } from "./errors.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";
import type { Tokenizer } from "./tokenizer/vocabulary.ts";

const MAX_BYTES = 64 * 2 ** 20;
const MAX_LINES = 2_000;
/** Tokens kept of a line: routers do not need long contexts, and memory grows with their square. */
const MAX_TOKENS = 512;

/** A text, or an evaluation conversation in its rendered pieces. */
const lineSchema = z.union([
  z
    .object({ segments: z.array(z.tuple([z.string(), z.boolean()])).min(1) })
    .transform(({ segments }) => segments.map(([text]) => text).join("")),
  z.object({ text: z.string() }).transform(({ text }) => text),
]);

/** @throws ExportError `export/calibration` for a file or a checkpoint that gives no sequences; CheckpointError, TokenizerError */
export async function readCalibration(checkpointPath: string, file: string): Promise<number[][]> {
  const checkpoint = await openCheckpoint(checkpointPath);
  await checkpoint.close();
  if (checkpoint.tokenizer === null) throw bad(`${checkpointPath} has no tokenizer`);
  const tokenizer = createTokenizer(checkpoint.tokenizer.json, checkpoint.tokenizer.config);
  const sequences = (await readLines(file)).map((text) => encodeAll(text, tokenizer).slice(0, MAX_TOKENS)).filter((ids) => ids.length > 0);
  if (sequences.length === 0) throw bad(`${file} has no text`);
  return sequences;
}

async function readLines(file: string): Promise<string[]> {
  const found = await stat(file).catch((cause: unknown) => {
    throw bad(`${file} is missing`, cause);
  });
  if (!found.isFile() || found.size > MAX_BYTES) throw bad(`${file} has ${found.size} bytes, expected a file of at most ${MAX_BYTES}`);
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
  return lines.slice(0, MAX_LINES).map((line, i) => {
    try {
      return lineSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw bad(`${file}, line ${i + 1} has neither "text" nor "segments"`, cause);
    }
  });
}

function encodeAll(text: string, tokenizer: Tokenizer): number[] {
  const names = [...tokenizer.control.keys()].filter((name) => name !== "").sort((a, b) => b.length - a.length);
  if (names.length === 0) return tokenizer.encode(text);
  const marks = new RegExp(`(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`);
  return text.split(marks).flatMap((piece, i) => (i % 2 === 1 ? [tokenizer.controlId(piece)] : tokenizer.encode(piece)));
}

function bad(what: string, cause?: unknown): ExportError {
  return new ExportError("export/calibration", what, {
    hint: 'give a file of one JSON object a line, each with "text" (or "segments", as evaluation conversations have)',
    cause,
  });
}
