/**
 * `npm run schema-suite -- <path…> [--json] [--list] [--formats assert|annotate] [--order any|declared] [--vocabulary folder]`: does a
 * compiled schema allow exactly its instances? Files of JSON-Schema-Test-Suite or MaskBench, plain or .gz, and folders of them.
 * In: arguments, and how to open an engine. Out: a report on standard output; exit code 1 when an invalid instance was accepted or
 * something crashed.
 */
import { parseArgs } from "node:util";
import { OrreryError } from "@orrery/chat";
import { readSuites } from "./read.ts";
import { runGroup, type SuiteEngine } from "./run.ts";
import { suiteTable } from "./table.ts";
import { Tally } from "./tally.ts";

export interface EngineChoice {
  /** Folder of a tokenizer.json; undefined for that of Orrery Mini. */
  readonly vocabulary: string | undefined;
  /** Order in which properties may stand. */
  readonly order: "declared" | "any";
}

export async function schemaSuite(
  args: readonly string[],
  openEngine: (choice: EngineChoice) => Promise<SuiteEngine>,
  print: (line: string) => void,
  /** Told of each group before it is run, so that one that takes long can be named. */
  progress: (group: string) => void = () => {},
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      formats: { type: "string" },
      order: { type: "string", default: "any" },
      vocabulary: { type: "string" },
    },
  });
  if (positionals.length === 0) throw badOption("no path was given", "name files or folders of schema suites");
  const formats = choice("--formats", values.formats, ["assert", "annotate"] as const);
  const order = choice("--order", values.order, ["any", "declared"] as const) ?? "any";
  const engine = await openEngine({ vocabulary: values.vocabulary, order });
  const tally = new Tally();
  const failures: object[] = [];
  const passedOver: string[] = [];
  for (const file of readSuites(positionals, (path) => passedOver.push(path)))
    for (const group of file.groups) {
      const row = file.row(group);
      progress(`${row}: ${group.description}`);
      const options = { draft: file.draft, formats: formats ?? file.formats(group), remotes: file.remotes };
      const result = runGroup(group, engine, options);
      tally.add(row, group, result);
      if (!values.list || !result.compiled) continue;
      for (const failure of result.failures) {
        if (values.json) failures.push({ row, group: group.description, ...failure });
        else print(`${failure.kind}  ${row}: ${group.description}: ${failure.description}: ${short(failure)}`);
      }
    }
  const { total, rows, reasons } = tally;
  if (values.json)
    print(
      JSON.stringify({
        total,
        rows: Object.fromEntries(rows),
        reasons: Object.fromEntries(reasons),
        passedOver,
        ...(values.list ? { failures } : {}),
      }),
    );
  else {
    print(suiteTable(tally));
    if (passedOver.length > 0) print(`${passedOver.length} files of other forms were passed over, e.g. ${passedOver[0]}`);
  }
  return total.acceptedInvalid > 0 || total.crashed > 0 ? 1 : 0;
}

function short(failure: { readonly data: unknown; readonly reason?: string }): string {
  return failure.reason ?? JSON.stringify(failure.data).slice(0, 200);
}

function choice<T extends string>(option: string, value: string | undefined, among: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = among.find((one) => one === value);
  if (found === undefined) throw badOption(`${option} is ${value}`, `give ${among.join(" or ")}`);
  return found;
}

function badOption(what: string, hint: string): OrreryError {
  return new OrreryError("eval/bad-option", what, { hint });
}
