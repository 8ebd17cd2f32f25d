/**
 * The text of a thought, as it comes. In: what stands between the channel's markers. Out: the thought, without its first line if that
 * only names the channel, and without the line break before its end.
 */
export class ThoughtText {
  /** The channel's name, while the first line may still turn out to be it. */
  #name: string;
  #held = "";

  /** @param name of the channel; "" when the thought begins without one */
  constructor(name: string) {
    this.#name = name;
  }

  push(text: string): string {
    this.#held += text;
    if (this.#name !== "") {
      const header = `${this.#name}\n`;
      if (header.startsWith(this.#held) && this.#held !== header) return "";
      if (this.#held.startsWith(header)) this.#held = this.#held.slice(header.length);
      this.#name = "";
    }
    const certain = this.#held.endsWith("\n") ? this.#held.slice(0, -1) : this.#held;
    this.#held = this.#held.slice(certain.length);
    return certain;
  }

  end(): string {
    return this.#held === "\n" || this.#held === this.#name ? "" : this.#held;
  }
}
