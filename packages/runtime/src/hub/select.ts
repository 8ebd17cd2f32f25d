/**
 * Which files of a repository make a model. In: all its files, and the .gguf that was named, if one was. Out: those to fetch, and the one
 * to open. Law: exactly what `openCheckpoint` would read; never a format that runs code.
 */
import { namesOfParts, splitName } from "../checkpoint/gguf-split.ts";
import { HubError } from "../errors.ts";
import type { HubName } from "./name.ts";
import type { HubFile } from "./repository.ts";

const TEXTS: ReadonlySet<string> = new Set(
  "config.json generation_config.json tokenizer.json tokenizer_config.json chat_template.jinja".split(" "),
);
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /-\d{5}-of-\d{5}\.safetensors$/;
/** Projectors of images and statistics for quantising are GGUF too, but no models. */
const NO_MODEL = /(?:^|\/)(?:mmproj|imatrix)[^/]*$|[-.](?:mmproj|imatrix)[^/]*$/i;
const MAX_LISTED = 10;
const MAX_PARTS = 999;

/** Files to fetch, and what of them is opened: a .gguf, or null for the directory of them. */
export interface Selection {
  readonly files: readonly HubFile[];
  readonly open: string | null;
}

/** @throws HubError `hub/no-model`, `hub/ambiguous-model`, `hub/not-found` */
export function selectFiles(all: readonly HubFile[], { repository, file }: HubName): Selection {
  const ggufs = all.filter(({ path }) => path.endsWith(".gguf") && !NO_MODEL.test(path));
  if (file !== null)
    return named(
      file,
      repository,
      all.filter(({ path }) => path.endsWith(".gguf")),
    );
  const root = all.filter(({ path }) => !path.includes("/"));
  const weights = safetensors(root);
  if (weights.length > 0) {
    if (!root.some(({ path }) => path === "config.json")) throw noModel(repository, "has weights but no config.json", ggufs);
    return { files: [...root.filter(({ path }) => TEXTS.has(path)), ...weights], open: null };
  }
  const models = [...new Set(ggufs.map(({ path }) => splitName(path)?.part(1) ?? path))];
  const inRoot = models.filter((path) => !path.includes("/"));
  const [only, ...others] = inRoot.length > 0 ? inRoot : models;
  if (only === undefined) {
    const loose = root.filter(({ path }) => path.endsWith(".safetensors")).length;
    throw noModel(
      repository,
      loose > 0 ? `has ${loose} safetensors files, but no ${INDEX}` : "has neither safetensors nor a .gguf file that a model is in",
      ggufs,
    );
  }
  if (others.length > 0)
    throw new HubError("hub/ambiguous-model", `${repository} has ${others.length + 1} models: ${listed([only, ...others])}`, {
      hint: `name one: hf:${repository}/${only}`,
    });
  return named(only, repository, ggufs);
}

/** With an index its shards, else the one file there is. */
function safetensors(root: readonly HubFile[]): readonly HubFile[] {
  const files = root.filter(({ path }) => path.endsWith(".safetensors"));
  const index = root.find(({ path }) => path === INDEX);
  const shards = files.filter(({ path }) => SHARD.test(path));
  if (index !== undefined && files.length > 0) return [index, ...(shards.length > 0 ? shards : files)];
  const whole = files.find(({ path }) => path === WEIGHTS);
  if (whole !== undefined) return [whole];
  return files.length === 1 ? files : [];
}

/** A .gguf and, where it is one of several parts, the others. */
function named(file: string, repository: string, ggufs: readonly HubFile[]): Selection {
  const count = splitName(file)?.count ?? 1;
  if (count > MAX_PARTS) throw noModel(repository, `names a model of ${count} parts`, []);
  const wanted = namesOfParts(file);
  const files = wanted.map((path) => {
    const found = ggufs.find((each) => each.path === path);
    if (found) return found;
    throw new HubError("hub/not-found", `${repository}: the file ${JSON.stringify(path)} is not on the hub`, {
      hint:
        ggufs.length === 0
          ? "the repository has no .gguf file; name it without a file"
          : `there are ${listed(ggufs.map(({ path: there }) => there))}`,
    });
  });
  return { files, open: wanted[0]! };
}

function noModel(repository: string, what: string, ggufs: readonly HubFile[]): HubError {
  return new HubError("hub/no-model", `${repository} ${what}`, {
    hint:
      ggufs.length > 0
        ? `name one of its .gguf files: ${listed(ggufs.map(({ path }) => `hf:${repository}/${path}`))}`
        : "choose a repository with config.json and model.safetensors, or with a .gguf file",
  });
}

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, MAX_LISTED).join(", ");
  return paths.length > MAX_LISTED ? `${shown} and ${paths.length - MAX_LISTED} more` : shown;
}
