/**
 * A model of the hub, ready to load. In: its name and a precision. Out: the directory of its export. Law: what commit, precision and this
 * version of the runtime give is exported once; what is in the cache is an export that opens, or is made again.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { ExportError } from "./errors.ts";
import { exportModel, type ExportProgress } from "./export/export.ts";
import { fetchCheckpoint, type HubModel } from "./hub/fetch.ts";
import type { FetchProgress } from "./hub/progress.ts";
import { aborted } from "./hub/retry.ts";
import { cacheDirectory } from "./cache-directory.ts";
import type { HubOptions } from "./hub/settings.ts";
import type { Precision } from "./manifest.ts";
import { openExport } from "./open-export.ts";

/** A name in a directory has at most 255 characters, with the exporter's own ending. */
const MAX_SOURCE = 120;

/** How far loading is: fetching first, then the export, each told apart by `type`. */
export type LoadProgress = FetchProgress | ({ readonly type: "export" } & ExportProgress);

/** How a model of the hub is fetched and exported. */
export interface HubLoadOptions {
  /** How the weights of a model of the hub are stored; default int8. */
  readonly precision?: Precision;
  /** Where the hub and the cache are, and how patient fetching is. */
  readonly hub?: Omit<HubOptions, "signal" | "onProgress">;
  /** Stops fetching and exporting with `hub/aborted`. */
  readonly signal?: AbortSignal;
  /** Called while a model of the hub is fetched and exported, some ten times a second and after every weight. Must not throw. */
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
  try {
    await exportModel(model.path, {
      out: directory,
      weights: precision,
      onProgress(progress) {
        if (signal?.aborted) throw aborted(signal); // between two weights; the exporter removes what it has written
        onProgress?.({ type: "export", ...progress });
      },
    });
  } catch (error) {
    if (!(await isWhole(directory))) throw error; // else another process was first
  }
  return { directory, repository };
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

function runtimeVersion(): string {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return version;
}
