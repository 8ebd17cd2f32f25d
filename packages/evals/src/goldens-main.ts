/**
 * `npm run goldens -- <dir>`: does the runtime give the reference's logits? `dir` is one golden model, a folder of them, or a folder with
 * a .gguf and a reference.json. One line each: name, cases, largest absolute error, pass or fail; `skipped` with the reason for families
 * that are not built yet. Exit code 1 when one fails or none was found.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exportModel, openSession, OrreryError, readFloatArrays, type Precision } from "@orrery/runtime";
import { goldenCasesSchema } from "./golden-case.ts";
import { runCase, type CaseResult } from "./golden-run.ts";
import { referenceSchema, runReference } from "./reference-run.ts";

/** Checkpoint files of a golden model, the precision that carries them exactly, and their reference logits. */
const FORMS: readonly { file: string; weights: Precision; logits: string }[] = [
  { file: "model.safetensors", weights: "float32", logits: "logits.safetensors" },
  { file: "model.f32.gguf", weights: "float32", logits: "logits.safetensors" },
  { file: "model.bf16.gguf", weights: "float32", logits: "logits.safetensors" },
  { file: "model.q8_0.gguf", weights: "int8", logits: "logits.q8_0.safetensors" },
  { file: "model.q4_0.gguf", weights: "int4", logits: "logits.q4_0.safetensors" },
];

/** reference.json holds five decimals of logits up to 40, of a model with 30 layers: float32 rounding alone moves them by some 1e-4. */
const REFERENCE_TOLERANCE = 5e-4;

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
    `${name.padEnd(48)} ${String(cases).padStart(3)} cases   max abs error ${error.padStart(8)}   ${outcome}${remark && `: ${remark}`}`,
  );
}

async function runForm(
  directory: string,
  form: (typeof FORMS)[number],
  experts: "conditional" | "merged",
  verbose: boolean,
): Promise<Outcome> {
  const golden = goldenCasesSchema.parse(JSON.parse(readFileSync(join(directory, "cases.json"), "utf8")));
  const source = form.file.endsWith(".safetensors") ? directory : join(directory, form.file);
  const name = `${golden.model}/${form.file} ${experts}`;
  const out = mkdtempSync(join(tmpdir(), "orrery-golden-"));
  try {
    await exportModel(source, { out, weights: form.weights, experts, accuracyLevel: 0, overwrite: true });
    const session = await openSession(out);
    const results: CaseResult[] = [];
    try {
      const references = await readFloatArrays(join(directory, form.logits));
      for (const c of golden.cases) {
        const reference = references.get(c.name);
        if (!reference)
          throw new OrreryError("goldens/no-reference", `${form.logits} holds no logits for case ${c.name}`, {
            hint: "cases.json and the logits must be of one run of the reference",
          });
        results.push(await runCase(session, c, reference, form.weights === "float32"));
      }
    } finally {
      await session.dispose();
    }
    const ways = results.flatMap((r) => r.ways.map((way) => ({ ...way, name: r.name })));
    const worst = ways.reduce((a, b) => (b.maxError > a.maxError ? b : a));
    const passed = worst.maxError <= golden.tolerance;
    print(
      name,
      results.length,
      worst.maxError.toExponential(1),
      passed ? "pass" : "fail",
      passed ? "" : `case ${worst.name}, ${worst.way}, token ${worst.position}`,
    );
    if (verbose) for (const w of ways) console.log(`    ${w.name.padEnd(18)} ${w.way.padEnd(16)} ${w.maxError.toExponential(1)}`);
    return passed ? "pass" : "fail";
  } catch (error) {
    const known = error instanceof OrreryError;
    if (known && error.code === "checkpoint/unsupported") {
      print(`${golden.model}/${form.file}`, golden.cases.length, "–", "skipped", error.message);
      return "skipped";
    }
    print(name, golden.cases.length, "–", "fail", known ? `${error.code}: ${error.message}` : String(error));
    return "fail";
  } finally {
    rmSync(out, { recursive: true, force: true });
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
    for (const form of FORMS.filter(({ file, logits }) => existsSync(join(directory, file)) && existsSync(join(directory, logits)))) {
      for (const experts of ["conditional", "merged"] as const) {
        const outcome = await runForm(directory, form, experts, values.verbose);
        if (outcome === "fail") process.exitCode = 1;
        if (outcome === "skipped") break;
      }
    }
  }
}

await main();
