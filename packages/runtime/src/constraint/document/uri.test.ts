/** The examples of RFC 3986, section 5.4, and bases that `$id` may have. */
import { resolveUri } from "./uri.js";

test.each([
  ["g:h", "g:h"],
  ["g", "http://a/b/c/g"],
  ["./g", "http://a/b/c/g"],
  ["g/", "http://a/b/c/g/"],
  ["/g", "http://a/g"],
  ["//g", "http://g"],
  ["?y", "http://a/b/c/d;p?y"],
  ["g?y", "http://a/b/c/g?y"],
  [";x", "http://a/b/c/;x"],
  ["g;x", "http://a/b/c/g;x"],
  ["", "http://a/b/c/d;p?q"],
  [".", "http://a/b/c/"],
  ["./", "http://a/b/c/"],
  ["..", "http://a/b/"],
  ["../g", "http://a/b/g"],
  ["../..", "http://a/"],
  ["../../g", "http://a/g"],
  ["../../../g", "http://a/g"],
  ["/../g", "http://a/g"],
  ["g.", "http://a/b/c/g."],
  ["..g", "http://a/b/c/..g"],
  ["./../g", "http://a/b/g"],
  ["g/./h", "http://a/b/c/g/h"],
  ["g/../h", "http://a/b/c/h"],
  ["g?y/../x", "http://a/b/c/g?y/../x"],
])("%j on http://a/b/c/d;p?q is %s", (reference, uri) => expect(resolveUri("http://a/b/c/d;p?q", reference)).toBe(uri));

test.each([
  ["", "a.json", "a.json"],
  ["a/b.json", "c.json", "a/c.json"],
  ["http://a", "b", "http://a/b"],
  ["file:///folder/file.json", "/other.json", "file:///other.json"],
  ["urn:uuid:deadbeef", "urn:x", "urn:x"],
])("on %j, %j is %s", (base, reference, uri) => expect(resolveUri(base, reference)).toBe(uri));
