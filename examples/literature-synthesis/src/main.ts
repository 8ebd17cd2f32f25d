/**
 * `npm run literature -- "question" [--folder dir] [--out report.md] [--verbose]`. In: a question. Out: what is done on standard error,
 * the report in the file or on standard output. Law: nothing but the report is written, and whole or not at all.
 */
import { OrreryError } from "@orrery/chat";
import { cacheDirectory, loadModel } from "@orrery/runtime";
import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { LiteratureError } from "./errors.ts";
import { Library } from "./library.ts";
import { requireQuestion, review, type Review } from "./review.ts";
import { OWN_ABSTRACTS } from "./folder.ts";
import { linesOf, shown } from "./view.ts";

const USAGE = 'npm run literature -- "question" [--folder dir] [--out report.md] [--verbose]';
/** Where `npm run` was called; npm itself goes to the package's folder. */
const here = process.env["INIT_CWD"] ?? process.cwd();
const tell = (line: string): void => console.error(line);

interface Asked {
  readonly question: string;
  readonly folder: string;
  readonly out: string | undefined;
  readonly verbose: boolean;
}

function asked(): Asked {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { folder: { type: "string" }, out: { type: "string" }, verbose: { type: "boolean" } },
    });
    const question = positionals.join(" ").trim();
    requireQuestion(question);
    const { folder, out, verbose = false } = values;
    return { question, folder: folder === undefined ? OWN_ABSTRACTS : resolve(here, folder), out: out && resolve(here, out), verbose };
  } catch (thrown) {
    if (thrown instanceof LiteratureError) throw thrown;
    throw new LiteratureError("literature/usage", String((thrown as Error).message), { hint: USAGE });
  }
}

/** Beside its place, then renamed into it. */
async function save(file: string, markdown: string): Promise<void> {
  const fresh = `${file}.${randomUUID()}.new`;
  try {
    await writeFile(fresh, markdown, { flag: "wx" });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}

function told({ status, reason, claims, result }: Review, where: string | undefined): string {
  const { decisions, timings } = result;
  const cost = `${decisions} decisions, ${(timings.totalMs / 1000).toFixed(1)} s`;
  if (status === "empty") return `nothing found (${cost})`;
  if (status === "stopped") return `no report: ${reason} (${cost})`;
  return `${claims.length} quotes from ${new Set(claims.map(({ id }) => id)).size} abstracts${where ? ` in ${where}` : ""} (${cost})`;
}

async function main(): Promise<void> {
  const { question, folder, out, verbose } = asked();
  const library = await Library.open({ folder, indexes: join(cacheDirectory(), "literature") });
  const cancel = new AbortController();
  process.once("SIGINT", () => cancel.abort());
  try {
    if (verbose || library.built) tell(`${library.size} abstracts in ${folder}${library.built ? ", indexed now" : ""}`);
    for (const { file, reason } of library.skipped) tell(`  left out: ${shown(file)}: ${reason}`);
    const publish = async (markdown: string): Promise<string> => {
      if (out === undefined) process.stdout.write(markdown);
      else await save(out, markdown);
      return out === undefined ? "printed" : "saved";
    };
    const model = await loadModel();
    try {
      tell(`» ${question}`);
      const view = { verbose, width: process.stderr.columns ?? 120 };
      const made = await review(
        model,
        { question, library, publish },
        { signal: cancel.signal, onEvent: (event) => linesOf(event, view).forEach(tell) },
      );
      tell(told(made, out && relative(here, out)));
      process.exitCode = made.status === "reported" ? 0 : 1;
    } finally {
      await model.dispose();
    }
  } finally {
    library.close();
  }
}

try {
  await main();
} catch (thrown) {
  if (!(thrown instanceof OrreryError)) throw thrown;
  tell(`${thrown.message}${thrown.hint ? `\n${thrown.hint}` : ""}`);
  process.exitCode = 2;
}
