/**
 * What the desk has changed: refunds, cancelled orders, new addresses. In: a file, and changes. Out: the changes of an order. Law: the
 * file is replaced whole or not at all, and what is not in it has not happened.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";

const order = z.string();
const changeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("refund"), order, amount: z.number().positive() }),
  z.object({ kind: z.literal("cancel"), order }),
  z.object({ kind: z.literal("address"), order, address: z.string() }),
]);

export type Change = z.infer<typeof changeSchema>;

export class Ledger {
  readonly #file: string;
  #changes: readonly Change[];
  /** Changes are written one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, changes: readonly Change[]) {
    this.#file = file;
    this.#changes = changes;
  }

  /** A file that is not there yet is empty. @throws ZodError when it has another form */
  static async open(file: string): Promise<Ledger> {
    const text = await readFile(file, "utf8").catch(() => "[]");
    return new Ledger(file, z.array(changeSchema).parse(JSON.parse(text)));
  }

  /** In the order in which they were made. */
  of(id: string): readonly Change[] {
    return this.#changes.filter((change) => change.order === id);
  }

  /** @param check throws when the change, with all that came before it, would be wrong */
  async add(change: Change, check: () => void): Promise<void> {
    const before = this.#writing;
    const written = (async () => {
      await before;
      check();
      const changes = [...this.#changes, change];
      await writeFile(`${this.#file}.new`, `${JSON.stringify(changes, null, 2)}\n`);
      await rename(`${this.#file}.new`, this.#file);
      this.#changes = changes;
    })();
    this.#writing = written.catch(() => {});
    return written;
  }
}
