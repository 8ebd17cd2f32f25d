/**
 * Names of models on the hub. In: `hf:owner/name`, with `/file.gguf` and `@revision` where they are wanted. Out: its parts. Law: what
 * comes out is safe in a URL and in a path, so nothing after it has to check again.
 */
import { HubError } from "../errors.ts";
import { unsafePart } from "./safe-path.ts";

const PREFIX = "hf:";
const FORM = "hf:owner/name, hf:owner/name@revision or hf:owner/name/file.gguf";

/** The hub's own rule: letters, digits, `.`, `_`, `-`; no `--` and no `..`; neither `.` nor `-` at an end. */
const WORD = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^(?!.*(?:\.\.|\/\/|@\{))[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,253}[A-Za-z0-9_+])?$/;
const COMMIT = /^[0-9a-f]{40}$/;
const MAX_LENGTH = 1000;

/** A model on the hub. */
export interface HubName {
  /** `owner/name`. */
  readonly repository: string;
  readonly owner: string;
  readonly name: string;
  /** The .gguf file that was asked for, a path in the repository; null to take what the repository holds. */
  readonly file: string | null;
  /** Branch, tag or commit; `main` when none was named. */
  readonly revision: string;
}

/** Whether a model was named as one of the hub. */
export function isHubName(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Whether a revision is a whole commit id: what it stands for never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** @throws HubError `hub/bad-name` */
export function parseHubName(text: string): HubName {
  if (!isHubName(text)) throw badName(text, "does not begin with hf:");
  if (text.length > MAX_LENGTH) throw badName(`${text.slice(0, 60)}…`, `has ${text.length} characters, expected at most ${MAX_LENGTH}`);
  const [path = "", ...behind] = text.slice(PREFIX.length).split("@");
  const revision = behind.length === 0 ? "main" : behind.join("@");
  const [owner = "", name = "", ...inside] = path.split("/");
  if (!WORD.test(owner) || !WORD.test(name)) throw badName(text, "has no owner and name of letters, digits, '.', '_' and '-'");
  if (!REVISION.test(revision))
    throw badName(text, `has the revision ${JSON.stringify(revision)}, which no branch, tag or commit can have`);
  const file = inside.length === 0 ? null : inside.join("/");
  const wrong = file === null ? null : unsafePart(file);
  if (wrong !== null) throw badName(text, `names a file whose path ${wrong}`);
  if (file !== null && !file.endsWith(".gguf"))
    throw badName(text, "names a file that is no .gguf; safetensors are taken whole, without naming a file");
  return { repository: `${owner}/${name}`, owner, name, file, revision };
}

function badName(text: string, what: string): HubError {
  return new HubError("hub/bad-name", `${JSON.stringify(text)} ${what}`, { hint: `write ${FORM}` });
}
