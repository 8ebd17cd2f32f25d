/**
 * What a repository holds. In: its name and a revision. Out: the commit that the revision stands for, and the files of a commit with sizes
 * and hashes. Law: what is returned was checked field by field; the number of requests is bounded.
 */
import { z } from "zod";
import { HubError } from "../errors.ts";
import { badAnswer } from "./answers.ts";
import type { HubClient } from "./client.ts";
import { isCommit } from "./name.ts";
import { checkPath } from "./safe-path.ts";

const SHA1 = /^[0-9a-f]{40}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const MAX_PAGES = 200;
const MAX_FILES = 100_000;
/** Kinds of files that a model can need. Weights in formats that run code when they are read are not among them. */
const KINDS = /\.(?:json|jinja|safetensors|gguf)$/;

/** A file of a commit. */
export const hubFileSchema = z.object({
  /** Path in the repository. */
  path: z.string(),
  bytes: z.int().nonnegative(),
  /** What the content is proved by: SHA-256 of the content, or git's SHA-1 of a blob. */
  hash: z.union([
    z.object({ algorithm: z.literal("sha256"), value: z.string().regex(SHA256) }),
    z.object({ algorithm: z.literal("git-sha1"), value: z.string().regex(SHA1) }),
  ]),
});
export type HubFile = z.infer<typeof hubFileSchema>;

const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative().optional(),
  oid: z.string().optional(),
  lfs: z.object({ oid: z.string(), size: z.int().nonnegative() }).optional(),
});

/** The commit of a branch or a tag. @throws HubError */
export async function commitOf(client: HubClient, repository: string, revision: string): Promise<string> {
  const { modelInfo } = await import("@huggingface/hub");
  const subject = client.subject(repository, `revision ${revision}`);
  const info = await answered(`${repository}: the description`, () =>
    modelInfo({ name: repository, revision, additionalFields: ["sha"], hubUrl: base(client), fetch: client.fetchJson(subject) }),
  );
  const commit: unknown = info.sha;
  if (typeof commit !== "string" || !isCommit(commit)) throw badAnswer(`${repository}: revision ${revision} has no commit id`);
  return commit;
}

/** Files of a commit that a model can need. @throws HubError */
export async function filesOf(client: HubClient, repository: string, commit: string): Promise<readonly HubFile[]> {
  const { listFiles } = await import("@huggingface/hub");
  const fetchPage = client.fetchJson(client.subject(repository, `commit ${commit}`));
  let pages = 0;
  const counted: typeof fetch = (input, init) => {
    if (++pages > MAX_PAGES) throw badAnswer(`${repository}: the list of files has more than ${MAX_PAGES} pages`);
    return fetchPage(input, init);
  };
  return answered(`${repository}: the list of files`, async () => {
    const files: HubFile[] = [];
    let seen = 0;
    for await (const entry of listFiles({
      repo: { type: "model", name: repository },
      revision: commit,
      recursive: true,
      hubUrl: base(client),
      fetch: counted,
    })) {
      if (++seen > MAX_FILES) throw badAnswer(`${repository}: the list of files has more than ${MAX_FILES} entries`);
      const file = hubFile(entry, repository);
      if (file !== null) files.push(file);
    }
    return files;
  });
}

/** Where a file of a commit is fetched. */
export function fileUrl(client: HubClient, repository: string, commit: string, path: string): URL {
  return new URL(`${base(client)}/${repository}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`);
}

function base(client: HubClient): string {
  return client.settings.endpoint.href.replace(/\/$/, "");
}

/** Null for what is no file, or none of a kind that a model needs. @throws HubError `hub/unsafe-path` */
function hubFile(entry: unknown, repository: string): HubFile | null {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success)
    throw badAnswer(`${repository}: an entry in the list of files does not fit: ${z.prettifyError(parsed.error).slice(0, 300)}`);
  const { type, path, size, oid, lfs } = parsed.data;
  if (type !== "file" || !KINDS.test(path)) return null;
  checkPath(path, repository);
  const hash = lfs ? { algorithm: "sha256", value: lfs.oid.replace(/^sha256:/, "") } : { algorithm: "git-sha1", value: oid };
  const file = hubFileSchema.safeParse({ path, bytes: lfs?.size ?? size, hash });
  if (!file.success) throw badAnswer(`${repository}: ${JSON.stringify(path)} is listed without a size or a hash`);
  return file.data;
}

/** The library parses answers without looking: what it stumbles over is no answer of a hub. */
async function answered<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof HubError ? error : badAnswer(`${what} cannot be read`, error);
  }
}
