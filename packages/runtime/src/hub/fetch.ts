/**
 * `fetchCheckpoint`: a model of the hub on this disk. In: its name. Out: a path for `openCheckpoint`. Law: a commit that is here whole
 * costs no request; what is fetched is proved by its hash before it counts; no byte is fetched before all of them have room.
 */
import { join } from "node:path";
import { HubError } from "../errors.ts";
import { RepositoryCache } from "./cache.ts";
import { HubClient } from "./client.ts";
import { download } from "./download.ts";
import { isCommit, parseHubName, type HubName } from "./name.ts";
import { partialBytes } from "./partial.ts";
import { ProgressMeter } from "./progress.ts";
import { commitOf, filesOf, type HubFile } from "./repository.ts";
import { aborted, isTransient } from "./retry.ts";
import { selectFiles } from "./select.ts";
import { hubSettings, type HubOptions, type HubSettings } from "./settings.ts";

/** A model of the hub at one commit. */
export interface HubModel {
  /** `owner/name`. */
  readonly repository: string;
  /** As it was asked for. */
  readonly revision: string;
  readonly commit: string;
  /** What `openCheckpoint` opens once everything is here: a directory, or a .gguf file. Absolute. */
  readonly path: string;
  /** The .gguf file, as a path in the repository; null for safetensors. */
  readonly gguf: string | null;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly cached: boolean }[];
  /** Bytes of all files, and of those that are here. */
  readonly bytes: number;
  readonly cachedBytes: number;
}

interface Found {
  readonly model: HubModel;
  readonly missing: readonly HubFile[];
  readonly cache: RepositoryCache;
  readonly client: HubClient;
}

/**
 * Fetches the files of a model that are not in the cache yet.
 * @param name `hf:owner/name`, `hf:owner/name@revision`, `hf:owner/name/file.gguf`
 * @throws HubError `hub/…`; see docs/errors.md
 */
export async function fetchCheckpoint(name: string, options: HubOptions = {}): Promise<HubModel> {
  const { model, missing, cache, client } = await find(parseHubName(name), await hubSettings(options));
  if (missing.length === 0) return model;
  const { settings } = client;
  const bytes = missing.reduce((sum, file) => sum + file.bytes, 0);
  if (settings.offline)
    throw new HubError(
      "hub/offline",
      `${missing.length} of ${model.files.length} files of ${model.repository} (${bytes} bytes) are not in the cache, and offline is set`,
      {
        hint: "fetch the model once without offline or HF_HUB_OFFLINE",
      },
    );
  const there = await Promise.all(missing.map((file) => partialBytes(cache.partial, file)));
  await cache.reserve(there.reduce((rest, part) => rest - part, bytes));
  const meter = new ProgressMeter(bytes, settings.onProgress);
  const { repository, commit } = model;
  for (const file of missing) {
    if (settings.signal?.aborted) throw aborted(settings.signal);
    const target = join(cache.commit(commit), file.path);
    const isThere = (): Promise<boolean> => cache.has(commit, file);
    await download({ client, repository, commit, file, partial: cache.partial, target, isThere, meter });
    meter.settle(file.bytes);
  }
  return { ...model, files: model.files.map((file) => ({ ...file, cached: true })), cachedBytes: model.bytes };
}

/**
 * What {@link fetchCheckpoint} would fetch, and what of it is here already. Fetches nothing but the list of files.
 * @throws HubError `hub/…`
 */
export async function describeHubModel(name: string, options: HubOptions = {}): Promise<HubModel> {
  const { model } = await find(parseHubName(name), await hubSettings(options));
  return model;
}

async function find(name: HubName, settings: HubSettings): Promise<Found> {
  if (settings.signal?.aborted) throw aborted(settings.signal);
  const client = new HubClient(settings);
  const cache = new RepositoryCache(settings.cache, name);
  const commit = await resolveRevision(name, client, cache);
  const { files, open } = selectFiles(await listFiles(name, commit, client, cache), name);
  const missing: HubFile[] = [];
  for (const file of files) if (!(await cache.has(commit, file)) && !(await cache.adopt(commit, file))) missing.push(file);
  const sum = (of: readonly HubFile[]): number => of.reduce((bytes, file) => bytes + file.bytes, 0);
  const model: HubModel = {
    repository: name.repository,
    revision: name.revision,
    commit,
    path: open === null ? cache.commit(commit) : join(cache.commit(commit), open),
    gguf: open,
    files: files.map((file) => ({ path: file.path, bytes: file.bytes, cached: !missing.includes(file) })),
    bytes: sum(files),
    cachedBytes: sum(files) - sum(missing),
  };
  return { model, missing, cache, client };
}

async function resolveRevision({ repository, revision }: HubName, client: HubClient, cache: RepositoryCache): Promise<string> {
  if (isCommit(revision)) return revision;
  const { settings } = client;
  const known = await cache.readRef(revision);
  if (settings.offline) {
    if (known !== null) return known;
    throw notCached(repository, revision);
  }
  // With something to fall back on, one failure is enough.
  const asking = known === null ? client : new HubClient({ ...settings, retry: { ...settings.retry, attempts: 1 } });
  try {
    const commit = await commitOf(asking, repository, revision);
    if (commit !== known) await cache.writeRef(revision, commit);
    return commit;
  } catch (error) {
    if (known === null || !isTransient(error)) throw error;
    settings.onProgress({ type: "offline", revision, commit: known, message: error.message });
    return known;
  }
}

async function listFiles({ repository }: HubName, commit: string, client: HubClient, cache: RepositoryCache): Promise<readonly HubFile[]> {
  const known = await cache.readFiles(commit);
  if (known !== null) return known;
  if (client.settings.offline) throw notCached(repository, commit);
  const files = await filesOf(client, repository, commit);
  await cache.writeFiles(commit, files);
  return files;
}

function notCached(repository: string, revision: string): HubError {
  return new HubError("hub/offline", `revision ${revision} of ${repository} is not in the cache, and offline is set`, {
    hint: "fetch the model once without offline or HF_HUB_OFFLINE",
  });
}
