/**
 * Asks a person before a tool writes. In: a call. Out: may it run? Law: only a yes that was typed after the question allows it; without a terminal the answer is
 * no, said on stderr.
 */
import type { RunOptions } from "@orrery/agent";
import { OrreryError } from "@orrery/chat";
import { widthOf, type OutputStream } from "./host.ts";
import { plannedChange } from "./tools/file-tools.ts";
import type { Workspace } from "@orrery/files";
import { changeLines } from "./view/change.ts";
import type { LineReader } from "./view/line-reader.ts";
import type { LiveView } from "./view/live.ts";
import { inputText } from "./view/lines.ts";
import { printableLine } from "./view/printable.ts";
import type { Style } from "./view/style.ts";
import { fit } from "./view/width.ts";

export interface Approver {
  readonly approve: NonNullable<RunOptions["approve"]>;
  /** Was a call refused because nobody could be asked? */
  readonly unasked: () => boolean;
}

export interface ApproverParts {
  readonly workspace: Workspace;
  /** The keyboard; undefined where there is none. */
  readonly reader: LineReader | undefined;
  readonly view: LiveView;
  readonly out: OutputStream;
  readonly style: Style;
  readonly stderr: OutputStream;
  readonly signal: AbortSignal;
}

export function createApprover({ workspace, reader, view, out, style, stderr, signal }: ApproverParts): Approver {
  let unasked = false;
  return {
    unasked: () => unasked,
    async approve(call) {
      if (reader === undefined) {
        unasked = true;
        view.endLine();
        stderr.write(
          `orrery: ${printableLine(call.name)} was not run: it writes, and there is no terminal to ask on\n  hint: --yes allows it beforehand\n`,
        );
        return false;
      }
      const width = widthOf(out);
      for (const line of await preview()) view.line(line);
      const answer = await reader.ask(`${style.yellow("?")} run ${printableLine(call.name)}? [y/N] `, signal);
      return answer !== undefined && /^\s*y(es)?\s*$/i.test(answer);

      async function preview(): Promise<readonly string[]> {
        try {
          const change = await plannedChange(workspace, call.name, call.input);
          if (change) return changeLines(change, width, style);
        } catch (error) {
          const why = error instanceof OrreryError ? error.message : "its input is not valid";
          return [
            fit(`${printableLine(call.name)}  ${inputText(call.input)}`, width),
            style.dim(`  as things are, it will fail: ${printableLine(why)}`),
          ];
        }
        return [fit(`${printableLine(call.name)}  ${inputText(call.input)}`, width)];
      }
    },
  };
}
