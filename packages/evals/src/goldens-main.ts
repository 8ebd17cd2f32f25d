/**
 * `npm run goldens -- <dir>`: does the runtime give the reference's logits? `dir` is one golden model, a folder of them, or a folder with
 * a .gguf and a reference.json. One line each: name, cases, largest absolute error and where it was, pass or fail; `skipped` with the reason
 * for families that are not built yet. Both spellings of a config are tried, and every file beside it. int8 and int4 of the float weights
 * must load and run, and say how far they are. Exit code 1 when one fails or none was found.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exportModel, openSession, OrreryError, readFloatArrays, type Precision, type Session } from "@orrery/runtime";
import { goldenCasesSchema, type GoldenCases } from "./golden-case.ts";
import { runCase, type WayResult } from "./golden-run.ts";
import { referenceSchema, runReference } from "./reference-run.ts";

interface Form {
  readonly file: string;
  /** Spelling of the config beside safetensors. */
  readonly config: string;
  readonly weights: Precision;
  readonly logits: string;
  /** Whether the precision carries the file's numbers exactly, so that the reference must be met. */
  readonly exact: boolean;
}

function form(file: string, weights: Precision, { config = "config.json", logits = "logits.safetensors", exact = true } = {}): Form {
  return { file, config, weights, logits, exact };
}

/** Checkpoint files of a golden model, with the precision that carries them exactly and their reference logits; then quantized forms. */
const FORMS: readonly Form[] = [
  form("model.safetensors", "float32"),
  form("model.safetensors", "float32", { config: "config.hub.json" }),
  form("model.f32.gguf", "float32"),
  form("model.bf16.gguf", "float32"),
  form("model.q8_0.gguf", "int8", { logits: "logits.q8_0.safetensors" }),
  form("model.q4_0.gguf", "int4", { logits: "logits.q4_0.safetensors" }),
  form("model.safetensors", "int8", { exact: false }),
  form("model.safetensors", "int4", { exact: false }),
];

/** reference.json holds five decimals of logits up to 40, of a model with 30 layers: float32 rounding alone moves them by some 1e-4. */
const REFERENCE_TOLERANCE = 5e-4;

/** A way of feeding a case, with the case's name. */
type CaseWay = WayResult & { readonly name: string };

type Outcome = "pass" | "fail" | "skipped" | "for information";

function isGolden(directory: string): boolean {
  return existsSync(join(directory, "cases.json")) && existsSync(join(directory, "config.json"));
}

function isReference(directory: string): boolean {
  return existsSync(join(directory, "reference.json"));
}

/** float32 weights and activations must continue every prompt as the reference does; quantized forms are only reported. */
async function runReferenceForms(directory: string): Promise<void> {
  const reference = referenceSchema.parse(JSON.parse(readFileSync(join(directory, "reference.json"), "utf8")));
  for (const weights of ["float32", "int8"] as const) {
    const out = mkdtempSync(join(tmpdir(), "orrery-reference-"));
    try {
      await exportModel(join(directory, reference.model), { out, weights, experts: "merged", overwrite: true });
      const session = await openSession(out);
      const result = await runReference(session, reference).finally(() => session.dispose());
      const exact = weights === "float32";
      const passed = result.sameGreedy === result.prompts && result.maxError <= REFERENCE_TOLERANCE;
      if (exact && !passed) process.exitCode = 1;
      const remark = `${result.sameGreedy} of ${result.prompts} greedy continuations${result.parted.length > 0 ? `; parted: ${result.parted.join(", ")}` : ""}`;
      print(
        `${reference.model} ${weights}`,
        result.prompts,
        result.maxError.toExponential(1),
        exact ? (passed ? "pass" : "fail") : "for information",
        remark,
      );
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  }
}

function findGoldens(path: string): string[] {
  if (isGolden(path)) return [path];
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && isGolden(join(path, entry.name)))
    .map((entry) => join(path, entry.name))
    .toSorted();
}

function print(name: string, cases: number, error: string, outcome: Outcome, remark = ""): void {
  console.log(
    `${name.padEnd(52)} ${String(cases).padStart(3)} cases   max abs error ${error.padStart(8)}   ${outcome}${remark && `: ${remark}`}`,
  );
}

/** What to export: the file itself, or a directory that has this spelling of the config as its config.json. */
function sourceOf(directory: string, { file, config }: Form, scratch: string): string {
  if (!file.endsWith(".safetensors")) return join(directory, file);
  if (config === "config.json") return directory;
  copyFileSync(join(directory, file), join(scratch, file));
  copyFileSync(join(directory, config), join(scratch, "config.json"));
  return scratch;
}

async function runCases(session: Session, golden: GoldenCases, logits: string, generated: boolean): Promise<readonly CaseWay[]> {
  const ways: CaseWay[] = [];
  const references = await readFloatArrays(logits);
  for (const c of golden.cases) {
    const reference = references.get(c.name);
    if (!reference)
      throw new OrreryError("goldens/no-reference", `${logits} holds no logits for case ${c.name}`, {
        hint: "cases.json and the logits must be of one run of the reference",
      });
    const result = await runCase(session, c, reference, generated);
    ways.push(...result.ways.map((way) => ({ ...way, name: result.name })));
  }
  return ways;
}

/** One form in one mode of experts. Returns the mode that was built: `none` where there are no experts. */
async function runForm(
  directory: string,
  form: Form,
  experts: "conditional" | "merged",
  verbose: boolean,
): Promise<{ outcome: Outcome; mode: string }> {
  const golden = goldenCasesSchema.parse(JSON.parse(readFileSync(join(directory, "cases.json"), "utf8")));
  const spelling = form.config === "config.json" ? "" : ` ${form.config}`;
  const name = `${golden.model}/${form.file}${spelling}${form.exact ? "" : ` as ${form.weights}`}`;
  const scratch = mkdtempSync(join(tmpdir(), "orrery-golden-"));
  const out = join(scratch, "export");
  try {
    const accuracyLevel = form.exact ? 0 : 4;
    const { manifest } = await exportModel(sourceOf(directory, form, scratch), { out, weights: form.weights, experts, accuracyLevel });
    const { mode } = manifest.experts;
    const session = await openSession(out);
    const exact = form.exact && form.weights === "float32";
    const ways = await runCases(session, golden, join(directory, form.logits), exact).finally(() => session.dispose());
    const worst = ways.reduce((a, b) => (b.maxError > a.maxError ? b : a));
    const outcome = form.exact
      ? worst.maxError <= golden.tolerance
        ? "pass"
        : "fail"
      : worst.maxError < Infinity
        ? "for information"
        : "fail";
    const where = `case ${worst.name}, ${worst.way}, token ${worst.position}`;
    print(mode === "none" ? name : `${name} ${mode}`, golden.cases.length, worst.maxError.toExponential(1), outcome, where);
    if (verbose) for (const w of ways) console.log(`    ${w.name.padEnd(18)} ${w.way.padEnd(16)} ${w.maxError.toExponential(1)}`);
    return { outcome, mode };
  } catch (error) {
    const known = error instanceof OrreryError;
    const skipped = known && error.code === "checkpoint/unsupported";
    const remark = skipped ? error.message : known ? `${error.code}: ${error.message}` : String(error);
    print(name, golden.cases.length, "–", skipped ? "skipped" : "fail", remark);
    return { outcome: skipped ? "skipped" : "fail", mode: experts };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { verbose: { type: "boolean", default: false } } });
  const directories = positionals.flatMap(findGoldens);
  const references = positionals.filter(isReference);
  if (directories.length + references.length === 0) {
    console.error(`no golden model (a folder with cases.json and config.json) in: ${positionals.join(" ") || "(no folder given)"}`);
    console.error("hint: npm run goldens -- <dir>");
    process.exitCode = 1;
    return;
  }
  for (const directory of references) await runReferenceForms(directory);
  for (const directory of directories) {
    const there = ({ file, config, logits }: Form): boolean => [file, config, logits].every((name) => existsSync(join(directory, name)));
    for (const form of FORMS.filter(there)) {
      for (const experts of ["conditional", "merged"] as const) {
        const { outcome, mode } = await runForm(directory, form, experts, values.verbose);
        if (outcome === "fail") process.exitCode = 1;
        if (outcome === "skipped" || mode === "none") break;
      }
    }
  }
}

await main();
