/**
 * Requests to the hub. In: URLs. Out: answers that are 2xx, or errors that say what to do. Law: the token goes to the hub's own origin and
 * nowhere else; no connection is waited for longer than the timeout; redirects are few, and none leads from https to http.
 */
import { HubError } from "../errors.ts";
import { badAnswer, refusal, type Subject } from "./answers.ts";
import { aborted, retrying } from "./retry.ts";
import { isLoopback, type HubSettings } from "./settings.ts";

/** An answer, 2xx or 416, whose body is still to come. */
export interface Answer {
  readonly response: Response;
  /** SHA-256 or git id of the file, as the hub said before it sent the request elsewhere; null when it did not. */
  readonly etag: string | null;
  /** The body; ends with `hub/timeout` or `hub/interrupted` when it does not come to its end. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the connection of a body that is not read. */
  close(): void;
}

export const RANGE_NOT_SATISFIABLE = 416;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** A page of 1,000 files has some 300 kB. */
const MAX_JSON_BYTES = 32 * 2 ** 20;
/** A connection that brings less than this within the timeout is as good as cut. */
const LEAST_BYTES = 16_384;
/** The hub cannot be reached at all; other failures are cuts. */
const UNREACHABLE: ReadonlySet<string> = new Set(
  "ENOTFOUND EAI_AGAIN ECONNREFUSED ENETUNREACH EHOSTUNREACH ENETDOWN UND_ERR_CONNECT_TIMEOUT".split(" "),
);

export class HubClient {
  readonly settings: HubSettings;

  constructor(settings: HubSettings) {
    this.settings = settings;
  }

  /** What requests about a repository are about. */
  subject(repository: string, what: string): Subject {
    const page = `${this.settings.endpoint.href.replace(/\/$/, "")}/${repository}`;
    return { repository, what, page, hasToken: this.settings.token !== null };
  }

  /** A `fetch` for short JSON answers: tried again when that may help, never larger than a limit. */
  fetchJson(subject: Subject): typeof fetch {
    return async (input) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      return retrying(this.settings, async () => {
        const { response, chunks } = await this.open(url, { accept: "application/json" }, subject);
        return new Response(await text(chunks, subject), { status: response.status, headers: response.headers });
      });
    };
  }

  /** One request, not repeated; redirects are followed. */
  async open(from: URL, headers: Readonly<Record<string, string>>, subject: Subject): Promise<Answer> {
    const watch = new Watch(this.settings, subject);
    let url = from;
    let etag: string | null = null;
    try {
      for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
        const response = await this.#send(url, headers, watch.signal);
        if (url.origin === this.settings.endpoint.origin) etag = fileId(response.headers) ?? etag;
        const location = response.headers.get("location");
        if (!REDIRECTS.has(response.status) || location === null) {
          if (!response.ok && response.status !== RANGE_NOT_SATISFIABLE) throw this.#refusal(response, url, subject);
          return { response, etag, chunks: watch.chunks(response), close: () => watch.close() };
        }
        void response.body?.cancel().catch(() => undefined);
        url = this.#next(location, url, subject);
      }
      throw badAnswer(`${subject.repository}: ${subject.what} is redirected more than ${MAX_REDIRECTS} times`);
    } catch (error) {
      const explained = watch.explain(error);
      watch.close();
      throw explained;
    }
  }

  async #send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    const { token, endpoint } = this.settings;
    const authorization = token !== null && url.origin === endpoint.origin ? { authorization: `Bearer ${token}` } : {};
    const common = { "user-agent": "orrery", "accept-encoding": "identity" }; // ranges count bytes of the file, not of its compression
    return fetch(url, { redirect: "manual", headers: { ...common, ...headers, ...authorization }, signal });
  }

  #next(location: string, from: URL, { repository, what }: Subject): URL {
    const url = URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    const safe = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && from.protocol === "http:" && isLoopback(url)));
    if (!safe) throw badAnswer(`${repository}: ${what} is redirected to something that is no https address`);
    return url;
  }

  /** Refusals of another host are about its signed links, which a new request to the hub renews. */
  #refusal(response: Response, url: URL, subject: Subject): HubError {
    if (url.origin === this.settings.endpoint.origin) return refusal(response, subject);
    return new HubError("hub/unavailable", `the hub's storage refuses ${subject.repository}: ${subject.what} (status ${response.status})`, {
      hint: "try again later",
    });
  }
}

/** The time limit of one request, from its start to the last byte. */
class Watch {
  readonly signal: AbortSignal;
  readonly #settings: HubSettings;
  readonly #subject: Subject;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #state: "running" | "late" = "running";

  constructor(settings: HubSettings, subject: Subject) {
    this.#settings = settings;
    this.#subject = subject;
    this.signal = settings.signal ? AbortSignal.any([settings.signal, this.#controller.signal]) : this.#controller.signal;
    this.#arm();
  }

  async *chunks(response: Response): AsyncGenerator<Uint8Array> {
    let since = 0;
    try {
      this.#arm();
      for await (const chunk of response.body ?? []) {
        since += chunk.byteLength;
        if (since >= LEAST_BYTES) {
          since = 0;
          this.#arm();
        }
        yield chunk;
      }
    } catch (error) {
      throw this.explain(error);
    } finally {
      this.close();
    }
  }

  /** A body that is not read to its end holds its connection. */
  close(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }

  /** Whatever fetch threw, as an error of ours. */
  explain(error: unknown): unknown {
    const { signal, timeoutMs } = this.#settings;
    const { repository, what } = this.#subject;
    if (signal?.aborted) return aborted(signal);
    if (this.#state === "late")
      return new HubError("hub/timeout", `${repository}: ${what} stalled for ${timeoutMs / 1000} s`, {
        hint: "check the network, or give a longer timeoutMs; fetching again goes on from here",
        cause: error,
      });
    if (error instanceof HubError) return error;
    const code = networkCode(error);
    if (UNREACHABLE.has(code))
      return new HubError("hub/offline", `${this.#settings.endpoint.host} cannot be reached (${code})`, {
        hint: "check the network and HF_ENDPOINT; behind a proxy set NODE_USE_ENV_PROXY=1 and HTTPS_PROXY; a model in the cache needs no network with HF_HUB_OFFLINE=1",
        cause: error,
      });
    return new HubError("hub/interrupted", `${repository}: the connection broke while ${what} was fetched (${code})`, {
      hint: "fetch again: it goes on from here",
      cause: error,
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#state = "late";
      this.#controller.abort();
    }, this.#settings.timeoutMs);
  }
}

/** The code of a network failure, wherever undici put it. */
function networkCode(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null || depth > 4) return "cut";
  if ("code" in error && typeof error.code === "string" && /^[A-Z_]{3,40}$/.test(error.code)) return error.code;
  const within: unknown = "cause" in error ? error.cause : "errors" in error && Array.isArray(error.errors) ? error.errors[0] : undefined;
  return networkCode(within, depth + 1);
}

/** The id that the hub states of a file: SHA-256 of large ones, git's SHA-1 of others. */
function fileId(headers: Headers): string | null {
  const stated = headers.get("x-linked-etag") ?? headers.get("etag");
  return /^(?:W\/)?"?([0-9a-f]{64}|[0-9a-f]{40})"?$/.exec(stated ?? "")?.[1] ?? null;
}

async function text(chunks: AsyncIterable<Uint8Array>, { repository, what }: Subject): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > MAX_JSON_BYTES) throw badAnswer(`${repository}: the answer about ${what} has more than ${MAX_JSON_BYTES} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}
