/** What `--help` prints: one text per command. Law: plain data, so that help needs nothing to be loaded. */
import { EXIT_TABLE } from "./exit-codes.ts";

const EXIT_CODES = EXIT_TABLE.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join("\n");

const MODEL_OPTIONS = `  --model <dir|hf:…>   an exported model, or hf:owner/name[/file.gguf][@revision] of the Hugging Face hub, which is
                       fetched and exported once (default: the embedded Orrery Mini)
  --weights <type>     of a model of the hub: float32, int8, int4, sliced or paired (default int8; see orrery export --help)
  --variant <suffix>   of ONNX graphs made elsewhere: q4, quantized, fp32, … (default: the fastest there is)
  --temperature <t>    0 is greedy (default), up to 5
  --seed <n>           seed of the draw (default 0)`;

const AGENT_OPTIONS = `  --tools <list>       tools by name, separated by commas, or 'all' (default: chosen for the task)
  --mcp <server>       also the tools of an MCP server: a command in quotes, or an http(s) address; may be given again
  --max-steps <n>      decisions before an answer is the only legal move (default 8)
  --cwd <dir>          the folder that file tools may touch (default: here)
  -y, --yes            run tools that write without asking
  --no-color           no colours; NO_COLOR does the same
  -v, --verbose        also show the tools declared to the model
  --trace <file>       append what happens to <file>, as OpenTelemetry spans in JSON lines (orrery trace <file> shows them)
  --trace-content      also what is said, and inputs and outputs of tools`;

export const HELP: Readonly<Record<string, string>> = {
  "": `orrery - an agent whose model runs inside the process

Usage
  orrery run "task"                     one task, answered with tools
  orrery chat                           a conversation
  orrery draw <file>                    the chart of an agent as a picture
  orrery trace <file>                   what happened in a run
  orrery generate <model> "text"        plain continuation of a text
  orrery export <checkpoint> --out <dir>
                                        a GGUF file, a Hugging Face directory or model, made ready to run
  orrery inspect <dir|checkpoint>       what a model is
  orrery check <file>                   what a chart can do, and whether it is what it should be
  orrery precision <dir> <file.jsonl>   what precision costs and keeps, rule by rule
  orrery <command> --help               options of a command
  orrery --version

Exit codes
${EXIT_CODES}
`,
  run: `Usage: orrery run ["task"] [options]

Answers one task with the built-in tools. Without a task it runs a demonstration.

  --json               one object on stdout: { answer, steps, usage, timings }
${AGENT_OPTIONS}
${MODEL_OPTIONS}

Exit codes
${EXIT_CODES}
`,
  chat: `Usage: orrery chat [options]

A conversation with the built-in tools. Ctrl-C cancels the turn and keeps the conversation; at the prompt, Ctrl-C twice
or /exit leaves.

  --session <file>     go on with the conversation in <file>, and keep it there; <file>.cache holds what was computed
${AGENT_OPTIONS}
${MODEL_OPTIONS}
`,
  draw: `Usage: orrery draw <file> [options]

Draws the chart that an ES module exports: an agent, what agentChart returned, or an XState machine. The module is imported.
Moves of the model are blue, and those that stay in a state stand in its box; a dashed box stands for any state.

  -o, --out <file>     where to write (default: stdout)
  --format <type>      svg or mermaid (default: svg; mermaid where <file> ends in .mmd, .mermaid or .md)
  --export <name>      which chart, where the module exports several
  --depth <n>          draw n levels of states; with 1, phases are boxes that list their moves (default: all)
  --trace <file>       mark the path of the last run in <file>, numbered in the order in which it was taken
`,
  trace: `Usage: orrery trace <file> [options]

Shows the runs in a file that --trace or jsonLines wrote: for each decision (◆) the move that was chosen and those that were
legal, calls (▸), waits for approval (?), errors, times and tokens. Lines that are no spans are told and passed over.

  --json               one object on stdout: { traces: [{ traceId, status, …, rows }], problems }
  --otlp               the body of an OTLP/HTTP request, for an OpenTelemetry collector
  --no-color           no colours; NO_COLOR does the same
`,
  generate: `Usage: orrery generate <dir|hf:owner/name> "text" [options]

Continues a text with a model: no chat format, no tools. A directory is an export, or holds ONNX graphs with past inputs as
onnx-community, Optimum and onnxruntime-genai write them.

  --weights <type>     of a model of the hub: float32, int8, int4, sliced or paired (default int8; see orrery export --help)
  --variant <suffix>   of ONNX graphs made elsewhere: q4, quantized, fp32, … (default: the fastest there is)
  --max-tokens <n>     at most this many tokens (default 128)
  --temperature <t>    0 is greedy (default), up to 5
  --seed <n>           seed of the draw (default 0)
  --json               one object on stdout: { text, timings }
`,
  export: `Usage: orrery export <checkpoint> --out <dir> [options]

Makes a checkpoint (a GGUF file, a directory with safetensors and config.json, or hf:owner/name[/file.gguf][@revision]
of the Hugging Face hub) ready to run. An export that was cut off, by Ctrl-C or a kill, is continued by the same command.

  --out <dir>          where to write (required)
  --weights <type>     float32, int8 or int4 (default int8); sliced or paired: 4 and 8 bits in one model, and each step chooses
                       (sliced in int8's memory, paired in half as much again and faster)
  --experts <mode>     conditional or merged (default: the faster one, measured here)
  --expert-mass <m>    add a token's experts until their weights reach m (default 1: all that the router chooses)
  --calibrate <file>   texts (.jsonl) by whose use of them experts get 8 or 4 bits
  --expert-bits <s>    share of those tokens whose experts keep 8 bits (default 0.75)
  --cache <type>       key and value rows of older tokens: float32 (default), or int8, a quarter of the memory, not exact
  --force              replace an earlier export in <dir>
  --json               one object on stdout: the description of the export
`,
  precision: `Usage: orrery precision <dir> <file.jsonl> --reference <dir> [options]

Runs conversations (docs/precision.md has their form) through a model whose steps choose their precision: low, full, with each
rule of the policy alone and with all that are on. Prints KL and flips against the reference by class of tokens, calls that are
exact, time and memory.

  --reference <dir>    a float32 export of the same checkpoint (required)
  --fixed <dir>        an export in fixed precision; may be repeated, times are quotients with the first
  --also <dir>         another export whose steps choose; may be repeated
  --policy <file>      a policy as JSON (default: the model's own)
  --limit <n>          only the first n conversations
  --threads <n>        threads of one operator
  --svg <file>         quality against time as a picture
  --json               the report as one object on stdout
`,
  check: `Usage: orrery check <file> [options]

Explores every chart, agent and XState machine that a JavaScript or TypeScript module exports, with any model, any results of its
tools and any word of persons; nothing of it is executed but the file itself. Prints what is wrong with each (wrong targets,
unreachable states, tools that are never legal, states without exit) and which properties hold, with a counterexample where one
does not. The file may also export 'properties' (default: cancel is always possible, every run ends), 'outcomes',
'failures', 'inputs', 'events', 'input' and 'abstraction': docs/checking.md. The exit code is 1 where something is wrong or not proven.

  --max-states <n>     stop after about so many states (default 20000)
  --no-color           no colours; NO_COLOR does the same
  --json               one object on stdout: { ok, charts }
`,
  inspect: `Usage: orrery inspect <dir|checkpoint> [options]

Describes an exported model, or a checkpoint before its export: family, parameters in all and per token, and what each
precision takes of disk and memory. Of a directory with ONNX graphs made elsewhere it says which variants there are and which
is loaded; of a model of the hub (hf:owner/name) that is not in the cache, what would be fetched.

  --json               one object on stdout
`,
};
