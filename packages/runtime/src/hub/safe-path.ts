/**
 * Paths out of a repository. In: a name that a stranger chose. Out: what is wrong with it, or null. Law: what passes stays below any
 * directory that it is joined to, on every system, whichever system asks.
 */
import { HubError } from "../errors.ts";

const MAX_LENGTH = 500;
/** Windows opens devices under these names, whatever follows the first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** What makes a path unsafe, as the end of a sentence; null when nothing does. */
export function unsafePart(path: string): string | null {
  if (path === "") return "is empty";
  if (path.length > MAX_LENGTH) return `has ${path.length} characters, expected at most ${MAX_LENGTH}`;
  if (/[\p{Cc}\p{Cf}]/u.test(path)) return "has a control character, or one that is not seen";
  if (path.includes("\\")) return "has a backslash";
  if (path.includes(":")) return "has a colon, as drives do";
  if (/[<>"|?*]/.test(path)) return "has a character that Windows takes in no name";
  if (path.startsWith("/")) return "is absolute";
  for (const segment of path.split("/")) {
    if (segment === "") return "has an empty part";
    if (segment === "." || segment === "..") return `has the part ${JSON.stringify(segment)}`;
    if (/[. ]$/.test(segment)) return "has a part that ends with a dot or a space";
    if (DEVICE.test(segment)) return `has the part ${JSON.stringify(segment)}, a device on Windows`;
  }
  return null;
}

/** @throws HubError `hub/unsafe-path` */
export function checkPath(path: string, repository: string): void {
  const wrong = unsafePart(path);
  if (wrong === null) return;
  throw new HubError("hub/unsafe-path", `${repository} has the file ${JSON.stringify(path.slice(0, MAX_LENGTH))}, whose path ${wrong}`, {
    hint: "nothing was fetched; the repository is made to write elsewhere on your disk, so do not use it",
  });
}
