/**
 * Schema suites as they lie on disk → groups of cases. In: paths of files and folders. Out: one file after the other, so that a folder
 * of ten thousand needs no more memory than its largest file. Law: a named file that is no suite is an error; inside a folder it is
 * passed over and counted.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { gunzipSync } from "node:zlib";
import { OrreryError, type Json } from "@orrery/chat";
import { z } from "zod";

/** Where the test suite expects its remote documents to be served. */
const REMOTES_BASE = "http://localhost:1234/";
/** `tests/draft7/optional/format/` lies four folders below the one that has `remotes/`. */
const LEVELS_TO_REMOTES = 4;
const FORM =
  "give files of JSON-Schema-Test-Suite (a list of { description, schema, tests: [{ description, data, valid }] }), of MaskBench " +
  "({ schema, tests: [{ data, valid }] }, or one such object a line in a .jsonl file), the same with .gz, or folders of them";

const json = z.custom<Json>((value) => value !== undefined, "is missing");
const groupSchema = z.object({
  file: z.string().optional(),
  description: z.string().default(""),
  schema: json,
  tests: z.array(z.object({ description: z.string().default(""), data: json, valid: z.boolean() })),
});

/** A schema and instances that it must allow or refuse. */
export type SchemaGroup = z.infer<typeof groupSchema>;
export type SchemaCase = SchemaGroup["tests"][number];

export interface SuiteFile {
  /** The row of a report that a group counts for: its file, or the folder of files that hold one group each. */
  readonly row: (group: SchemaGroup) => string;
  readonly groups: readonly SchemaGroup[];
  /** Draft of schemas without `$schema`, as the path tells it. */
  readonly draft: "2020-12" | "07";
  /** Whether the suite means `format` of a group to assert: only in `optional/format/`, and always in MaskBench. */
  readonly formats: (group: SchemaGroup) => "assert" | "annotate";
  readonly remotes: ReadonlyMap<string, Json>;
}

/** @throws OrreryError `eval/bad-suite` for a path that cannot be read, or a named file of another form */
export function* readSuites(paths: readonly string[], passedOver: (path: string) => void): Generator<SuiteFile> {
  const remotes = new Map<string, ReadonlyMap<string, Json>>();
  for (const path of paths.map((path) => resolve(path))) {
    const folder = statOf(path).isDirectory();
    for (const file of folder ? filesBelow(path) : [path]) {
      const read = readSuite(file);
      if ("problem" in read && !folder) throw badSuite(file, read.problem);
      if ("problem" in read) passedOver(file);
      else yield suiteFile(file, relative(dirname(folder ? path : dirname(file)), file), read, remotesOf(file, remotes));
    }
  }
}

type Read = { readonly kind: "list" | "single"; readonly groups: readonly SchemaGroup[] } | { readonly problem: string };

function readSuite(file: string): Read {
  try {
    const text = textOf(file);
    const value: unknown = /\.jsonl(\.gz)?$/.test(file)
      ? text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [JSON.parse(line) as unknown]))
      : JSON.parse(text);
    const groups = z.array(groupSchema).safeParse(Array.isArray(value) ? value : [value]);
    if (!groups.success) return { problem: z.prettifyError(groups.error).split("\n").slice(0, 2).join(" ") };
    if (groups.data.length === 0) return { problem: "it holds no group" };
    return { kind: Array.isArray(value) ? "list" : "single", groups: groups.data };
  } catch (cause) {
    return { problem: cause instanceof Error ? cause.message : String(cause) };
  }
}

function suiteFile(file: string, name: string, read: Exclude<Read, { problem: string }>, remotes: ReadonlyMap<string, Json>): SuiteFile {
  const own = name.split(sep).join("/");
  const official = read.kind === "list" && !/\.jsonl(\.gz)?$/.test(file);
  const inside = (group: SchemaGroup) => group.file ?? file.split(sep).join("/");
  return {
    groups: read.groups,
    remotes,
    draft: /draft-?0?[467](?!\d)/.test(file) ? "07" : "2020-12",
    formats: (group) => (!official || /(^|\/)format\//.test(inside(group)) ? "assert" : "annotate"),
    row: (group) => {
      if (read.kind === "single") return dirname(own);
      return group.file === undefined ? own : `${own}: ${group.file}`;
    },
  };
}

/** Suites below a folder, in the order of their names. Remote documents are no suites. */
function* filesBelow(folder: string): Generator<string> {
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "remotes" && entry.name !== "node_modules") yield* filesBelow(path);
    } else if (/\.jsonl?(\.gz)?$/.test(entry.name) && !/^remotes\.json(\.gz)?$/.test(entry.name)) yield path;
  }
}

/** The remote documents beside a file or above it: `remotes.json`, `remotes.json.gz`, or a folder `remotes`. */
function remotesOf(file: string, known: Map<string, ReadonlyMap<string, Json>>): ReadonlyMap<string, Json> {
  let folder = dirname(file);
  for (let level = 0; level <= LEVELS_TO_REMOTES; level++, folder = dirname(folder))
    for (const name of ["remotes.json", "remotes.json.gz", "remotes"]) {
      const path = join(folder, name);
      const found = known.get(path) ?? (existsSync(path) ? readRemotes(path) : undefined);
      if (!found) continue;
      known.set(path, found);
      return found;
    }
  return new Map();
}

function readRemotes(path: string): ReadonlyMap<string, Json> {
  const at = (name: string) => REMOTES_BASE + name.split(sep).join("/");
  if (statOf(path).isDirectory())
    return new Map([...filesBelow(path)].map((file) => [at(relative(path, file)), JSON.parse(textOf(file)) as Json]));
  const documents = z.record(z.string(), json).safeParse(JSON.parse(textOf(path)));
  if (!documents.success) throw badSuite(path, "it is no object of remote documents");
  return new Map(Object.entries(documents.data).map(([name, document]) => [at(name), document]));
}

function textOf(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

function statOf(path: string): { isDirectory(): boolean } {
  try {
    const found = statSync(path);
    if (!found.isDirectory() && !found.isFile()) throw new Error("it is neither a file nor a folder"); // a pipe would never end
    return found;
  } catch (cause) {
    throw badSuite(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function badSuite(path: string, why: string, cause?: unknown): OrreryError {
  return new OrreryError("eval/bad-suite", `${path} cannot be read as a schema suite: ${why}`, { hint: FORM, cause });
}
