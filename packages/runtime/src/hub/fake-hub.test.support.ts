/**
 * A hub on this machine: the API's routes, files behind redirects to a storage of another origin, ETags, ranges, and on demand every way
 * in which a network or a server fails. In: repositories. Out: an endpoint, and what was asked of it.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** A request, as the hub or its storage saw it. */
export interface Seen {
  readonly at: "hub" | "storage";
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** How an answer goes wrong. */
export interface Fault {
  /** Instead of the answer. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection breaks, or nothing more comes, after so many bytes of the body. */
  readonly cutAfter?: number;
  readonly stallAfter?: number;
  /** Milliseconds between single bytes of the body. */
  readonly trickle?: number;
  /** Other bytes than the file's. */
  readonly content?: Uint8Array;
  readonly ranges?: "unknown" | "shifted";
  readonly endless?: boolean;
}

export interface FakeRepository {
  readonly commit: string;
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Entries of the list of files, in place of those of `files`. */
  readonly tree?: readonly object[];
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export class FakeHub {
  /** By `owner/name`; branches besides `main` by `owner/name@branch`. */
  readonly repositories = new Map<string, FakeRepository>();
  readonly seen: Seen[] = [];
  /** Asked for every request. */
  fault: (request: Seen) => Fault | undefined = () => undefined;
  pageSize = 1000;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor() {
    this.#hub = createServer((request, response) => void this.#answer("hub", request, response));
    this.#storage = createServer((request, response) => void this.#answer("storage", request, response));
  }

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    for (const server of [hub.#hub, hub.#storage]) await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return hub;
  }

  get endpoint(): string {
    return address(this.#hub);
  }

  /** Requests for contents of files. */
  get fetched(): readonly Seen[] {
    return this.seen.filter(({ url }) => url.includes("/resolve/"));
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise<unknown>((closed) => server.close(closed));
    }
  }

  async #answer(at: Seen["at"], request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization, range } = request.headers;
    const seen: Seen = { at, method: request.method ?? "", url: request.url ?? "", authorization, range };
    this.seen.push(seen);
    const fault = this.fault(seen) ?? {};
    response.on("error", () => undefined);
    if (fault.status !== undefined) return void response.writeHead(fault.status, fault.headers).end(fault.body);
    const { pathname, searchParams } = new URL(seen.url, "http://x");
    const storage = /^\/sha256\/([0-9a-f]{64})$/.exec(pathname);
    if (at === "storage") return sendFile(request, response, this.#stored(storage?.[1] ?? ""), fault, {});
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(pathname);
    if (api) return this.#api(response, api[1]!, api[2]!, decodeURIComponent(api[3]!), Number(searchParams.get("cursor") ?? 0));
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    if (file) return this.#resolve(request, response, { name: file[1]!, revision: file[2]!, path: decodeURIComponent(file[3]!) }, fault);
    response.writeHead(404).end();
  }

  #find(name: string, revision: string): FakeRepository | undefined {
    const branch = this.repositories.get(revision === "main" ? name : `${name}@${revision}`);
    return branch ?? [...this.repositories].find(([key, { commit }]) => key.split("@")[0] === name && commit === revision)?.[1];
  }

  #api(response: ServerResponse, name: string, route: string, revision: string, cursor: number): void {
    const repository = this.#find(name, revision);
    if (repository === undefined) {
      const known = [...this.repositories.keys()].some((key) => key.split("@")[0] === name);
      response.writeHead(404, { "x-error-code": known ? "RevisionNotFound" : "RepoNotFound" }).end();
      return;
    }
    const json = { "content-type": "application/json" };
    if (route === "revision") {
      response
        .writeHead(200, json)
        .end(JSON.stringify({ _id: "1", id: name, sha: repository.commit, lastModified: "2026-01-01T00:00:00Z" }));
      return;
    }
    const tree = repository.tree ?? Object.entries(repository.files).map(([path, content]) => entry(path, bytesOf(content)));
    const next = cursor + this.pageSize;
    const link = { link: `<${this.endpoint}/api/models/${name}/tree/${revision}?recursive=true&cursor=${next}>; rel="next"` };
    response.writeHead(200, next < tree.length ? { ...json, ...link } : json).end(JSON.stringify(tree.slice(cursor, next)));
  }

  #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    { name, revision, path }: { readonly name: string; readonly revision: string; readonly path: string },
    fault: Fault,
  ): Promise<void> | void {
    const repository = this.#find(name, revision);
    const content = repository?.files[path];
    if (repository === undefined || content === undefined) return void response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    const bytes = bytesOf(content);
    const headers = { "x-repo-commit": repository.commit, ...fault.headers };
    if (!isLarge(path)) return sendFile(request, response, bytes, fault, { etag: `"${gitHash(bytes)}"`, ...headers });
    const linked = { "x-linked-etag": `"${sha256(bytes)}"`, "x-linked-size": String(bytes.length) };
    response.writeHead(302, { location: `${address(this.#storage)}/sha256/${sha256(bytes)}`, ...linked, ...headers }).end();
  }

  #stored(hash: string): Uint8Array {
    for (const { files } of this.repositories.values())
      for (const content of Object.values(files)) if (sha256(bytesOf(content)) === hash) return bytesOf(content);
    return new Uint8Array();
  }
}

const known = new WeakMap<Uint8Array, string>();

export function sha256(bytes: Uint8Array): string {
  const hash = known.get(bytes) ?? createHash("sha256").update(bytes).digest("hex");
  known.set(bytes, hash);
  return hash;
}

/** As the hub lists a file. */
export function entry(path: string, bytes: Uint8Array): object {
  const lfs = isLarge(path) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } } : {};
  return { type: "file", path, size: bytes.length, oid: gitHash(bytes), ...lfs };
}

/** Bytes that no two ranges share. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
  fault: Fault,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const content = fault.content ?? whole;
  const start = fault.ranges === "unknown" ? 0 : Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start > 0 && start >= content.length) return void response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
  const body = content.subarray(start);
  const told = fault.ranges === "shifted" ? start + 1 : start;
  const partly = start > 0 ? { "content-range": `bytes ${told}-${content.length - 1}/${content.length}` } : {};
  const length = fault.endless ? {} : { "content-length": String(body.length) };
  response.writeHead(start > 0 ? 206 : 200, { "accept-ranges": "bytes", ...length, ...partly, ...headers });
  if (request.method === "HEAD") return void response.end();
  if (fault.cutAfter !== undefined) return void response.write(body.subarray(0, fault.cutAfter), () => response.destroy());
  if (fault.stallAfter !== undefined) return void response.write(body.subarray(0, fault.stallAfter));
  if (fault.endless)
    while (response.writable && !response.destroyed) await new Promise((sent) => response.write(new Uint8Array(65_536), sent));
  if (fault.trickle !== undefined) {
    for (const byte of body) {
      if (response.destroyed) return;
      response.write(Uint8Array.of(byte));
      await pause(fault.trickle);
    }
  }
  response.end(fault.trickle === undefined ? body : undefined);
}

function isLarge(path: string): boolean {
  return /\.(?:safetensors|gguf)$/.test(path);
}

function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
