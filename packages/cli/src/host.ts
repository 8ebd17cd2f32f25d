/**
 * What a command is given from outside: streams, clock, folder, Ctrl-C and the way to a model. Law: commands touch the process only
 * through this, so that a test can be the whole outside.
 */
import type { ChatModel } from "@orrery/chat";
import type { GenerateTextOptions, LoadOptions } from "@orrery/runtime";
import type { Readable, Writable } from "node:stream";
import type { Interrupts } from "./interrupts.ts";
import { createStyle, wantsColor, type Style } from "./view/style.ts";

export type InputStream = Readable & { readonly isTTY?: boolean };
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** A model that holds memory and a worker until it is disposed. */
export interface OpenModel extends ChatModel {
  generate(text: string, options: GenerateTextOptions): AsyncIterable<string>;
  /** Writes down what is remembered of conversations, and takes it up again. Resolve to the number of conversations. */
  saveCache(path: string): Promise<number>;
  loadCache(path: string): Promise<number>;
  dispose(): Promise<void>;
}

/** What commands use of the runtime. */
export interface Engine
  extends
    Pick<typeof import("@orrery/evals"), "readConversations" | "measurePrecision" | "precisionTable" | "precisionChart">,
    Pick<typeof import("@orrery/runtime"), "readCalibration" | "DEFAULT_POLICY" | "parsePolicy">,
    Pick<
      typeof import("@orrery/runtime"),
      | "exportModel"
      | "describeExport"
      | "openCheckpoint"
      | "describeCheckpoint"
      | "describeOnnxRepository"
      | "fetchCheckpoint"
      | "describeHubModel"
    > {
  /** A directory or a name on the hub; without either, the embedded model. */
  loadModel(source?: string, options?: LoadOptions): Promise<OpenModel>;
}

export interface Host {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the folder the command was started in. */
  readonly cwd: string;
  readonly now: () => Date;
  readonly interrupts: Interrupts;
  /** The runtime, imported when a command asks for it: help and usage errors do not wait for it. */
  readonly engine: () => Promise<Engine>;
}

/** Columns of a stream; 100 where it is no terminal, so that piped output is not cut for a screen nobody has. */
export function widthOf(stream: OutputStream): number {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : 100;
}

export function styleOf(host: Host, noColor: boolean): Style {
  return createStyle(wantsColor(host.stdout, host.env, noColor));
}

/** One line. */
export function writeLine(stream: OutputStream, line: string): void {
  stream.write(`${line}\n`);
}
