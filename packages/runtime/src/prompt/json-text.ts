/**
 * JSON text that grows while it is read. In: pieces. Out: what is new since the last time, and the whole. Law: text that was handed out
 * never changes; while something is in doubt, what is written is held back and can still be dropped. The whole costs linear time.
 */
export class JsonText {
  #certain = "";
  #fresh = "";
  /** What was written since the doubt began. */
  #doubtful: string | undefined;

  write(text: string): void {
    if (this.#doubtful === undefined) {
      this.#certain += text;
      this.#fresh += text;
    } else this.#doubtful += text;
  }

  /** Adds text as it stands inside a JSON string. */
  writeInString(text: string): void {
    this.write(JSON.stringify(text).slice(1, -1));
  }

  /** From here on what is written may be dropped. */
  doubt(): void {
    this.#doubtful ??= "";
  }

  /** What was written in doubt stays. */
  keep(): void {
    const text = this.#doubtful ?? "";
    this.#doubtful = undefined;
    this.write(text);
  }

  /** What was written in doubt goes. */
  drop(): void {
    this.#doubtful = undefined;
  }

  /** What has become certain since the last time. */
  take(): string {
    const text = this.#fresh;
    this.#fresh = "";
    return text;
  }

  /** All that is certain. */
  get whole(): string {
    return this.#certain;
  }
}
