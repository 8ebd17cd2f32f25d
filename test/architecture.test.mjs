/** The rules of docs/architecture.md that a machine can check: who may import whom, and how long a file may be. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Package arrows: which packages a package's sources may name. `@orrery/x/testing` counts as x. */
const PACKAGES = {
  chat: ["zod"],
  runtime: ["@orrery/chat", "onnxruntime-node", "zod", "@huggingface/tokenizers", "@huggingface/hub", "@huggingface/jinja"],
  agent: ["@orrery/chat", "xstate", "zod", "ajv"],
  mcp: ["@orrery/chat", "@orrery/agent", "@modelcontextprotocol/client", "zod"],
  files: ["@orrery/chat"],
  model: [],
  evals: ["@orrery/chat", "@orrery/runtime", "@orrery/agent", "zod"],
};

/** Folder arrows inside runtime, in the order that data flows. Every folder may import errors, manifest and itself. */
const RUNTIME = {
  hub: ["session", "checkpoint"],
  checkpoint: [],
  graph: ["weights"],
  onnx: ["graph"],
  weights: ["checkpoint"],
  layers: ["graph", "weights", "checkpoint"],
  families: ["layers", "graph", "weights", "checkpoint"],
  export: ["checkpoint", "weights", "families", "graph", "onnx", "session"],
  prepack: ["onnx"],
  session: ["checkpoint", "prepack"],
  sequence: ["session"],
  tokenizer: [],
  prompt: ["tokenizer"],
  constraint: ["tokenizer", "prompt"],
  sampling: ["tokenizer", "constraint"],
  precision: ["constraint"],
};

/** Folder arrows inside cli: tools know nothing of terminals, the view nothing of commands. Files at the root of src join them. */
const CLI = { tools: [], view: ["tools"], commands: ["tools", "view"] };

const LINES = 400;

function files(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](dist|node_modules|fixtures)[\\/]/.test(file));
}

const IMPORTS = [
  /^\s*(?:import|export)\s[^"'`;]*?\sfrom\s+"([^"]+)"/gm, // import x from "y", export { x } from "y"
  /^\s*import\s+"([^"]+)"/gm, // import "y"
  /\bimport\(\s*"([^"]+)"\s*\)/g, // await import("y"), and import("y") in types
];

function imports(file) {
  const text = readFileSync(file, "utf8");
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]));
}

const isTest = (file) => /\.test(\.support)?\.(ts|mjs)$/.test(file) || /[\\/](testing|test)[\\/]/.test(file);
const sources = ["packages", "examples", "test", "bench"].flatMap((folder) => {
  try {
    return files(join(root, folder));
  } catch {
    return [];
  }
});
const name = (file) => relative(root, file).split(sep).join("/");

test("there are sources to check", () => expect(sources.length).toBeGreaterThan(30));

test(`no file is longer than ${LINES} lines`, () => {
  const long = sources.map((file) => [name(file), readFileSync(file, "utf8").split("\n").length - 1]).filter(([, lines]) => lines > LINES);
  expect(long).toEqual([]);
});

describe("package arrows", () => {
  test.each(Object.keys(PACKAGES))("%s imports only what it may", (pkg) => {
    const wrong = files(join(root, "packages", pkg, "src"))
      .filter((file) => !isTest(file))
      .flatMap((file) => imports(file).map((target) => [name(file), target]))
      .filter(([, target]) => !target.startsWith(".") && !target.startsWith("node:"))
      .filter(([, target]) => !PACKAGES[pkg].some((allowed) => target === allowed || target.startsWith(`${allowed}/`)));
    expect(wrong).toEqual([]);
  });

  test("examples use public entries only", () => {
    const deep = sources
      .filter((file) => name(file).startsWith("examples/"))
      .flatMap((file) => imports(file).map((target) => [name(file), target]))
      .filter(([, target]) => /(^|\/)(src|dist)\//.test(target) && target.startsWith("@orrery/"));
    expect(deep).toEqual([]);
  });
});

/** Imports of a folder's files from folders it may not know. Files at the root of src are free to import. */
function wrongFolders(src, folder, allowed) {
  return files(join(src, folder))
    .filter((file) => !isTest(file))
    .flatMap((file) => imports(file).map((target) => [file, target]))
    .filter(([, target]) => target.startsWith("."))
    .map(([file, target]) => [name(file), relative(src, resolve(dirname(file), target)).split(sep)])
    .filter(([, path]) => path.length > 1 && path[0] !== folder && !allowed.includes(path[0]))
    .map(([file, path]) => `${file} → ${path.join("/")}`);
}

describe("folder arrows inside cli", () => {
  test.each(Object.keys(CLI))("%s imports only what it may", (folder) => {
    expect(wrongFolders(join(root, "packages/cli/src"), folder, CLI[folder])).toEqual([]);
  });
});

describe("folder arrows inside runtime", () => {
  const src = join(root, "packages/runtime/src");
  test.each(Object.keys(RUNTIME))("%s imports only what it may", (folder) => {
    expect(wrongFolders(src, folder, RUNTIME[folder])).toEqual([]);
  });

  test("onnxruntime-node is imported only in session", () => {
    const wrong = files(src)
      .filter((file) => !isTest(file) && imports(file).includes("onnxruntime-node"))
      .map(name)
      .filter((file) => !file.startsWith("packages/runtime/src/session/"));
    expect(wrong).toEqual([]);
  });
});

test("no default exports, no export *, in packages", () => {
  const wrong = sources
    .filter((file) => name(file).startsWith("packages/") && /(^|\n)export (default|\*)/.test(readFileSync(file, "utf8")))
    .map(name);
  expect(wrong).toEqual([]);
});
