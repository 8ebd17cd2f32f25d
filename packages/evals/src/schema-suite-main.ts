/** `npm run schema-suite -- <path…>`: the command of suite/command.ts over the constraint engine of this repository. */
import { OrreryError } from "@orrery/chat";
import { embeddedModelDirectory } from "@orrery/runtime";
import { compile, loadTokenizer } from "@orrery/runtime/constraint";
import { schemaSuite, type EngineChoice } from "./suite/command.ts";
import type { SuiteEngine } from "./suite/run.ts";

async function openEngine({ vocabulary, order }: EngineChoice): Promise<SuiteEngine> {
  const tokenizer = await loadTokenizer(vocabulary ?? embeddedModelDirectory());
  return {
    encode: (text) => tokenizer.encode(text),
    compile: (schema, options) => compile(schema, tokenizer, { ...options, order, undeclared: "allowed" }),
  };
}

const print = (line: string) => console.log(line);
const progress = (group: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${group.slice(0, process.stderr.columns - 1)}\r`);
};

schemaSuite(process.argv.slice(2), openEngine, print, progress).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof OrreryError && error.hint) console.error(`hint: ${error.hint}`);
    process.exitCode = 1;
  },
);
