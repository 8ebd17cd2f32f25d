/**
 * A run as it happens. In: the agent's events. Out: one line a move, then the answer as it is written. Law: on a terminal one dim
 * line at the bottom says what is going on and vanishes; anywhere else only finished lines are written. Nothing of a model or a tool
 * reaches the stream unsanitised.
 */
import type { RunEvent } from "@orrery/agent";
import { widthOf, type OutputStream } from "../host.ts";
import { moveLine } from "./lines.ts";
import { printable, printableLine } from "./printable.ts";
import type { Style } from "./style.ts";
import { fit } from "./width.ts";

const CLEAR_LINE = "\r\u001b[2K";

export class LiveView {
  readonly #out: OutputStream;
  readonly #style: Style;
  /** What the cursor's line holds: nothing, a line that will vanish, or text of the answer. */
  #line: "empty" | "status" | "text" = "empty";

  constructor(out: OutputStream, style: Style) {
    this.#out = out;
    this.#style = style;
  }

  /** Whether lines can vanish again: on a terminal. */
  get isLive(): boolean {
    return this.#out.isTTY === true;
  }

  /** Shows what is going on; on a terminal only. */
  status(text: string): void {
    if (this.#out.isTTY !== true || this.#line === "text") return;
    this.#out.write(`${CLEAR_LINE}${this.#style.dim(fit(printableLine(text), widthOf(this.#out) - 1))}`);
    this.#line = "status";
  }

  /** Shows what is going on until `work` ends, well or badly. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    this.status(text);
    try {
      return await work;
    } finally {
      this.endLine();
    }
  }

  /** A whole line, below whatever was written. */
  line(text: string): void {
    this.endLine();
    this.#out.write(`${text}\n`);
  }

  /** Leaves the cursor on an empty line. */
  endLine(): void {
    if (this.#line === "status") this.#out.write(CLEAR_LINE);
    if (this.#line === "text") this.#out.write("\n");
    this.#line = "empty";
  }

  event(event: RunEvent): void {
    if (event.type === "decision") this.status("· deciding");
    else if (event.type === "reasoning-delta") this.status("· thinking");
    else if (event.type === "text-delta") this.#text(event.text);
    else if (event.type === "tool-start") this.status(`▸ ${event.call.name} …`);
    else if (event.type === "tool-end") this.#move(event.call, { output: event.output });
    else if (event.type === "tool-error") this.#move(event.call, { error: event.error.message });
    else if (event.type === "finish") this.endLine();
  }

  #text(text: string): void {
    const shown = printable(text);
    if (shown === "") return;
    if (this.#line === "status") this.endLine();
    this.#out.write(shown);
    this.#line = shown.endsWith("\n") ? "empty" : "text";
  }

  #move(
    call: { readonly name: string; readonly input: Parameters<typeof moveLine>[0]["input"] },
    result: Parameters<typeof moveLine>[0]["result"],
  ): void {
    this.line(moveLine({ tool: call.name, input: call.input, result }, widthOf(this.#out), this.#style));
  }
}
