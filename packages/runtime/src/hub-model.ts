/**
 * A model of the hub, ready to load. In: its name and a precision. Out: the directory of its export. Law: what commit, precision and this
 * version of the runtime give is exported once; what is in the cache is an export that opens, or is made again.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ExportError } from "./errors.ts";
import { exportModel, type ExportOptions } from "./export/export.ts";
import type { ExportProgress } from "./export/progress.ts";
import { fetchCheckpoint, type HubModel } from "./hub/fetch.ts";
import type { FetchProgress } from "./hub/progress.ts";
import { aborted } from "./hub/retry.ts";
import { cacheDirectory } from "./cache-directory.ts";
import type { HubOptions } from "./hub/settings.ts";
import type { Precision } from "./manifest.ts";
import { openExport } from "./open-export.ts";
import { runtimeVersion } from "./runtime-version.ts";

/** A name in a directory has at most 255 characters, with the exporter's own ending. */
const MAX_SOURCE = 120;

/** Milliseconds between two looks whether another process has finished the same export. */
const WAIT_MS = 500;

/** How far loading is: fetching first, then the export, each told apart by `type`. */
export type LoadProgress =
  | FetchProgress
  | ({ readonly type: "export" } & ExportProgress)
  /** Another process makes the same export; this one waits for it. `message` names it, and what to do should it be gone. Told once. */
  | { readonly type: "busy"; readonly message: string };

/** How a model of the hub is fetched and exported. */
export interface HubLoadOptions {
  /** How the weights of a model of the hub are stored; default int8. */
  readonly precision?: Precision;
  /** Where the hub and the cache are, and how patient fetching is. */
  readonly hub?: Omit<HubOptions, "signal" | "onProgress">;
  /** Stops fetching and exporting with `hub/aborted`. */
  readonly signal?: AbortSignal;
  /** Called while a model of the hub is fetched and exported, some ten times a second and every few megabytes. Must not throw. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** An export of a model of the hub. */
export interface ExportedHubModel {
  /** Of the export. Absolute. */
  readonly directory: string;
  /** `owner/name`. */
  readonly repository: string;
}

/**
 * Fetches and exports what is not in the cache yet.
 * @throws HubError `hub/…`; CheckpointError and ExportError as `exportModel`
 */
export async function exportHubModel(name: string, options: HubLoadOptions = {}): Promise<ExportedHubModel> {
  const { precision = "int8", hub = {}, signal, onProgress } = options;
  const model = await fetchCheckpoint(name, { ...hub, ...(signal && { signal }), ...(onProgress && { onProgress }) });
  const { repository } = model;
  const cache = resolve(hub.cache ?? cacheDirectory());
  const directory = join(cache, "exports", repository.replace("/", "--"), exportName(model, precision));
  if (existsSync(directory)) {
    if (await isWhole(directory)) return { directory, repository };
    await rm(directory, { recursive: true, force: true });
  }
  const tell = onProgress && ((progress: ExportProgress): void => onProgress({ type: "export", ...progress }));
  const exporting = { out: directory, weights: precision, ...(signal && { signal }), ...(tell && { onProgress: tell }) };
  await exportOnce(model.path, exporting, (message) => onProgress?.({ type: "busy", message }));
  return { directory, repository };
}

/** Exports, or waits until another process has. */
async function exportOnce(path: string, options: ExportOptions, onBusy: (message: string) => void): Promise<void> {
  for (let waits = 0; ; waits++) {
    try {
      await exportModel(path, options);
      return;
    } catch (error) {
      if (options.signal?.aborted === true) throw aborted(options.signal);
      if (await isWhole(options.out)) return;
      if (!(error instanceof ExportError) || error.code !== "export/busy") throw error;
      if (waits === 0) onBusy(`${error.message}: ${error.hint}`);
      await setTimeout(WAIT_MS, undefined, options.signal && { signal: options.signal }).catch(() => {}); // aborted: the next turn says so
    }
  }
}

/** One name for one export; a .gguf is named with its path. */
function exportName({ commit, gguf }: HubModel, precision: Precision): string {
  const source = gguf === null ? "" : `-${encodeURIComponent(gguf)}`;
  const short = source.length <= MAX_SOURCE ? source : `-${createHash("sha256").update(source).digest("hex").slice(0, 32)}`;
  return `${commit}${short}-${precision}-${runtimeVersion()}`;
}

async function isWhole(directory: string): Promise<boolean> {
  try {
    await openExport(directory);
    return true;
  } catch (error) {
    if (error instanceof ExportError) return false;
    throw error;
  }
}
