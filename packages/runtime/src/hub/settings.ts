/**
 * Where the hub is, who asks and where files are kept. In: options, then environment, then the user's files. Out: settings that are
 * checked. Law: the token is in nothing that is printed, and goes to no endpoint that is plain http, loopback apart.
 */
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { cacheDirectory, type Environment } from "../cache-directory.ts";
import { atLeastOne } from "../session/at-least-one.ts";
import { HubError } from "../errors.ts";
import type { FetchProgress } from "./progress.ts";

/** How models are fetched. Everything has a default that fits most. */
export interface HubOptions {
  /** Access token. Default: `HF_TOKEN`, else the file that `hf auth login` wrote. */
  readonly token?: string;
  /** Address of the hub, https, or http on this machine. Default: `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string;
  /** Directory of the cache. Default: `ORRERY_CACHE`, else the system's place for caches. */
  readonly cache?: string;
  /** Send no request: take what the cache holds, or fail. Default: whether `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean;
  /** Milliseconds without an answer, or with hardly a byte of one, after which a connection counts as cut. Default 30,000. */
  readonly timeoutMs?: number;
  /** How often in a row a request may fail, and the milliseconds before the second try, doubled each time. Default 6 and 500. */
  readonly retry?: { readonly attempts?: number; readonly delayMs?: number };
  /** Stops fetching with `hub/aborted`; what was fetched stays for the next time. */
  readonly signal?: AbortSignal;
  /** Called at most some ten times a second. Must not throw. */
  readonly onProgress?: (progress: FetchProgress) => void;
}

/** {@link HubOptions} with everything decided. */
export interface HubSettings {
  readonly endpoint: URL;
  readonly token: string | null;
  /** Absolute. */
  readonly cache: string;
  readonly offline: boolean;
  readonly timeoutMs: number;
  readonly retry: { readonly attempts: number; readonly delayMs: number };
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: FetchProgress) => void;
}

const MAX_TOKEN_BYTES = 4096;
const HUB = "https://huggingface.co";

/** @throws HubError `hub/bad-endpoint`, `hub/bad-token`; SessionError `session/bad-option` */
export async function hubSettings(options: HubOptions = {}, env: Environment = process.env): Promise<HubSettings> {
  const { timeoutMs = 30_000, retry: { attempts = 6, delayMs = 500 } = {} } = options;
  atLeastOne("timeoutMs", timeoutMs);
  atLeastOne("retry.attempts", attempts);
  atLeastOne("retry.delayMs", delayMs);
  return {
    endpoint: checkEndpoint(options.endpoint ?? (env["HF_ENDPOINT"] || HUB)),
    token: checkToken(options.token ?? (env["HF_TOKEN"] || (await savedToken(env)))),
    cache: resolve(options.cache ?? cacheDirectory(env)),
    offline: options.offline ?? /^(1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? ""),
    timeoutMs,
    retry: { attempts, delayMs },
    signal: options.signal,
    onProgress: options.onProgress ?? (() => undefined),
  };
}

/** Whether a host is this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function checkEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const trusted = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)));
  if (trusted && url.username === "" && url.password === "" && url.search === "" && url.hash === "") {
    url.pathname = url.pathname.replace(/\/+$/, "");
    return url;
  }
  // The text may hold a password, so only its host is shown.
  throw new HubError(
    "hub/bad-endpoint",
    `the endpoint of the hub (host ${JSON.stringify(url?.hostname ?? "unreadable")}) is no plain https address`,
    {
      hint: `write it like ${HUB}; http is taken only for this machine, and a token goes into HF_TOKEN`,
    },
  );
}

async function savedToken(env: Environment): Promise<string | undefined> {
  const home = env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "huggingface");
  const path = env["HF_TOKEN_PATH"] || join(home, "token");
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size > MAX_TOKEN_BYTES) return undefined;
  return readFile(path, "utf8").catch(() => undefined);
}

function checkToken(text: string | undefined): string | null {
  const token = text?.trim();
  if (token === undefined || token === "") return null;
  if (token.length <= MAX_TOKEN_BYTES && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new HubError("hub/bad-token", `the access token has ${token.length} characters, some of which no token has`, {
    hint: "copy it again from https://huggingface.co/settings/tokens",
  });
}
