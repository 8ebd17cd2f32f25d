/**
 * `--trace` of `run` and `chat`. In: the options. Out: what a run is given to be traced, and the end of the file. Law: a file that cannot
 * be opened is told before a model is loaded; one that cannot be written costs no answer.
 */
import { jsonLines, type SpanWriter, type TraceOptions } from "@orrery/agent";
import { toOrreryError } from "@orrery/chat";
import { createHash, randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { usage } from "./arguments.ts";
import type { OutputStream } from "./host.ts";
import { printError } from "./report.ts";

export interface TraceArguments {
  readonly trace?: string | undefined;
  readonly "trace-content"?: boolean | undefined;
}

export interface Tracing {
  /** For a run of this conversation; undefined where nothing is traced. */
  readonly of: (conversation: string) => TraceOptions | undefined;
  /** Says on stderr what could not be written → whether all was. */
  readonly close: (stderr: OutputStream) => Promise<boolean>;
}

/** @throws UsageError `cli/usage`, AgentError `agent/trace-not-written` */
export function openTracing(command: string, { trace, "trace-content": content = false }: TraceArguments, cwd: string): Tracing {
  if (trace === "") throw usage(command, "--trace takes a file");
  if (trace === undefined) {
    if (content) throw usage(command, "--trace-content is for --trace <file>");
    return { of: () => undefined, close: async () => true };
  }
  const onSpan: SpanWriter = jsonLines(resolve(cwd, trace));
  return {
    of: (conversation) => ({ onSpan, content, conversation }),
    close: async (stderr) => {
      try {
        await onSpan.close();
        return true;
      } catch (thrown) {
        printError(toOrreryError(thrown, "cli/failed"), stderr);
        return false;
      }
    },
  };
}

/** What the turns of a conversation share in a trace: of one that is kept in a file, the same in every process. */
export function conversationId(session: string | undefined): string {
  return session === undefined ? randomUUID() : createHash("sha256").update(session).digest("hex").slice(0, 32);
}
