/**
 * Lines typed by a person or piped in. In: two streams. Out: one line per question. Law: no line is lost, whenever it arrives, and
 * a question ends with a line, with the end of the input, or with its signal.
 */
import { createInterface, type Interface } from "node:readline";
import type { InputStream, OutputStream } from "../host.ts";

export class LineReader {
  readonly #reader: Interface;
  readonly #out: OutputStream;
  readonly #lines: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** `onInterrupt` is called for Ctrl-C typed while the line editor has the keyboard. */
  constructor(stdin: InputStream, stdout: OutputStream, onInterrupt: () => void) {
    this.#out = stdout;
    const terminal = stdin.isTTY === true && stdout.isTTY === true;
    this.#reader = createInterface(terminal ? { input: stdin, output: stdout, terminal } : { input: stdin, terminal });
    this.#reader.on("line", (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#reader.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
    this.#reader.on("SIGINT", onInterrupt);
  }

  /** The next line, after `prompt` is shown; undefined at the end of the input or when `signal` fires. */
  async read(prompt: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#reader.terminal && !this.#ended) {
      this.#reader.setPrompt(prompt);
      this.#reader.prompt();
    }
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (this.#lines.length === 0 && !this.#ended && !signal.aborted)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const line = signal.aborted ? undefined : this.#lines.shift();
      if (line === undefined && this.#reader.terminal) this.#out.write("\n"); // nobody pressed return behind the question
      return line;
    } finally {
      signal.removeEventListener("abort", wake);
      this.#wake = undefined;
    }
  }

  /** As {@link read}, but earlier lines are no answer: they stay for the next `read`, and only what comes after the question counts. */
  async ask(question: string, signal: AbortSignal): Promise<string | undefined> {
    const earlier = this.#lines.splice(0);
    try {
      return await this.read(question, signal);
    } finally {
      this.#lines.unshift(...earlier);
    }
  }

  /** Empties the line that is being typed and shows the question again. */
  restart(): void {
    if (!this.#reader.terminal || this.#ended) return;
    this.#reader.write(null, { ctrl: true, name: "e" });
    this.#reader.write(null, { ctrl: true, name: "u" });
    this.#reader.prompt();
  }

  /** Gives the keyboard back. */
  close(): void {
    this.#reader.close();
  }
}
