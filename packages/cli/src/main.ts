/** The process of the `orrery` command: binds {@link cli} to real streams, signals and the runtime, and ends with its exit code. */
import { cli } from "./cli.ts";
import { EXIT } from "./exit-codes.ts";
import type { Engine, Host } from "./host.ts";
import { Interrupts } from "./interrupts.ts";

const interrupts = new Interrupts();
// The first Ctrl-C asks whoever listens to stop; when nobody does (any more), the process ends as the shell expects.
process.on("SIGINT", () => {
  if (!interrupts.raise()) process.exit(EXIT.cancelled);
});
// A reader that has seen enough (`orrery … | head`) is no failure of ours.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });

async function engine(): Promise<Engine> {
  const [runtime, { modelDirectory }] = await Promise.all([import("@orrery/runtime"), import("@orrery/model")]);
  return { ...runtime, loadModel: (directory = modelDirectory) => runtime.loadModel(directory) };
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
