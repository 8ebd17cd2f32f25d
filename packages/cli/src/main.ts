/** The process of the `orrery` command: binds {@link cli} to real streams, signals and the runtime, and ends with its exit code. */
import { cli } from "./cli.ts";
import { UsageError } from "./errors.ts";
import type { Engine, Host } from "./host.ts";
import { Interrupts } from "./interrupts.ts";

// The first Ctrl-C asks whoever listens to stop; when nobody does (any more), the process ends by the signal, as the shell expects.
// Not by `process.exit`: that ends the engine's thread in the middle of its work, and onnxruntime aborts the process.
const interrupts = new Interrupts(() => {
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.removeAllListeners("SIGINT");
  process.kill(process.pid, "SIGINT");
});
process.on("SIGINT", () => interrupts.raise());
// A reader that has seen enough (`orrery … | head`) is a Ctrl-C; the lines still to come fail in the same way, once is enough.
let readerLeft = false;
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (!readerLeft) interrupts.raise();
    readerLeft = true;
  });

/** Bytes. On Linux, onnxruntime overflows its stack on longer ones when a model is loaded (ENGINE_STACK_MB in the runtime's session). */
const MAX_COMMAND_LINE = 100_000;

/** @throws UsageError `cli/too-long` */
async function engine(): Promise<Engine> {
  const length = Buffer.byteLength([process.execPath, ...process.execArgv, ...process.argv.slice(1)].join(" "));
  if (length > MAX_COMMAND_LINE)
    throw new UsageError("cli/too-long", `the command line has ${length} bytes, at most ${MAX_COMMAND_LINE} are safe`, {
      hint: "pipe the text into orrery chat, or put it into a file and let read_file read it",
    });
  const [runtime, evals, { modelDirectory }] = await Promise.all([
    import("@orrery/runtime"),
    import("@orrery/evals"),
    import("@orrery/model"),
  ]);
  return { ...runtime, ...evals, loadModel: (source = modelDirectory, options) => runtime.loadModel(source, options) };
}

const host: Host = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  now: () => new Date(),
  interrupts,
  engine,
};

process.exitCode = await cli(process.argv.slice(2), host);
