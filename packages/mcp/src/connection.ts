/**
 * A connection that comes back. In: a place. Out: a client of the SDK for the next request. Law: a connection that broke fails what was
 * under way, and the next request opens another; after `close` there is none.
 */
import { Client, type Implementation } from "@modelcontextprotocol/client";
import { cannotConnect, isGone, McpError } from "./errors.ts";
import type { Place } from "./transport.ts";

const OURS: Implementation = { name: "orrery", version: "0.1.0" };

export class Connection {
  readonly #place: Place;
  readonly #timeoutMs: number;
  #opened: Promise<Client> | undefined;
  #closed = false;

  /** @param timeoutMs what connecting may take */
  constructor(place: Place, timeoutMs: number) {
    this.#place = place;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Does something with an open client. When `signal` ends it, that says nothing of the connection.
   * @throws McpError `mcp/cannot-connect`, `mcp/closed`; else what `use` throws
   */
  async use<T>(use: (client: Client) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closed)
      throw new McpError("mcp/closed", `the connection to ${this.#place.where} was closed`, { hint: "call connectMcp again" });
    const opened = (this.#opened ??= this.#open());
    try {
      return await use(await opened);
    } catch (thrown) {
      if (isGone(thrown) || (thrown instanceof McpError && thrown.code === "mcp/cannot-connect")) {
        if (!signal?.aborted) this.#forget(opened);
      }
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#opened?.catch(() => undefined);
    await client?.close();
  }

  async #open(): Promise<Client> {
    const { transport, said } = this.#place.open();
    const client = new Client(OURS, {
      capabilities: {}, // a server asks us for nothing: no sampling, no files, no questions to the user
      inputRequired: { autoFulfill: false },
      ...(this.#place.kind === "http" ? { versionNegotiation: { mode: "auto", probe: { timeoutMs: this.#timeoutMs } } } : {}),
    });
    client.onerror = () => {}; // what it breaks, fails with it
    try {
      await client.connect(transport, { timeout: this.#timeoutMs });
    } catch (thrown) {
      await client.close().catch(() => {});
      throw cannotConnect(this.#place.where, thrown, said());
    }
    const opened = this.#opened;
    client.onclose = () => this.#forget(opened);
    return client;
  }

  #forget(opened: Promise<Client> | undefined): void {
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    void opened?.then((client) => client.close()).catch(() => {});
  }
}
