/**
 * URI references as RFC 3986 resolves them (section 5.2), for any scheme, and for bases that are relative themselves.
 * Law: text in, text out; nothing is normalised but dot segments.
 */

const PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

interface Uri {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string | undefined;
}

/** What stands before the first '#', and what stands behind it. */
export function splitFragment(reference: string): { readonly uri: string; readonly fragment: string } {
  const at = reference.indexOf("#");
  return at < 0 ? { uri: reference, fragment: "" } : { uri: reference.slice(0, at), fragment: reference.slice(at + 1) };
}

/** A reference without fragment, resolved against a base without fragment. */
export function resolveUri(base: string, reference: string): string {
  if (reference === "") return base;
  const from = parse(base);
  const to = parse(reference);
  if (to.scheme !== undefined) return format({ ...to, path: withoutDots(to.path) });
  if (to.authority !== undefined) return format({ ...to, scheme: from.scheme, path: withoutDots(to.path) });
  if (to.path === "") return format({ ...from, query: to.query ?? from.query });
  const path = to.path.startsWith("/") ? to.path : merge(from, to.path);
  return format({ ...from, path: withoutDots(path), query: to.query });
}

function parse(text: string): Uri {
  const [, scheme, authority, path = "", query] = PARTS.exec(text) ?? [];
  return { scheme, authority, path, query };
}

function format({ scheme, authority, path, query }: Uri): string {
  return [
    scheme === undefined ? "" : `${scheme}:`,
    authority === undefined ? "" : `//${authority}`,
    path,
    query === undefined ? "" : `?${query}`,
  ].join("");
}

function merge(base: Uri, path: string): string {
  if (base.authority !== undefined && base.path === "") return `/${path}`;
  return base.path.slice(0, base.path.lastIndexOf("/") + 1) + path;
}

function withoutDots(path: string): string {
  if (!/(^|\/)\.\.?(\/|$)/.test(path)) return path;
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  const segments = (rooted ? path.slice(1) : path).split("/");
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment !== "." && segment !== "..") kept.push(segment);
    else if (last) kept.push("");
  });
  return (rooted ? "/" : "") + kept.join("/");
}
