/** Addresses of hosts and of mail as pattern sources (RFC 1123, 3986, 4291, 5321). Law: ASCII only. */

const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const GROUP = "[0-9a-fA-F]{1,4}";
const ALNUM = "[0-9a-zA-Z]";

export const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
export const IPV6 = ipv6();

/**
 * Labels of letters, digits and inner hyphens. A label with hyphens at its third and fourth place is left out: such names are encoded
 * Unicode, and whether the code is valid is no regular property.
 */
const LABEL = `(?!${ALNUM}{2}--)${ALNUM}(?:[0-9a-zA-Z\\-]{0,61}${ALNUM})?`;
/** At most 253 characters; the caller counts. */
export const HOSTNAME = `${LABEL}(?:\\.${LABEL})*`;

const ATOM = "[0-9a-zA-Z!#$%&'*+\\/=?^_`{|}~\\-]+";
/** A mailbox with a dot-atom of at most 64 characters and a domain of two labels or more. At most 254 characters; the caller counts. */
export const EMAIL = `(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@${LABEL}(?:\\.${LABEL})+`;

/** RFC 3986's IPv6address: eight groups, a run of them replaced by `::`, the last two perhaps as IPv4. */
function ipv6(): string {
  const last = `(?:${GROUP}:${GROUP}|${IPV4})`;
  /** Up to `count` groups before `::`. */
  const before = (count: number) => (count === 0 ? "" : `(?:(?:${GROUP}:){0,${count - 1}}${GROUP})?`);
  const forms = [`(?:${GROUP}:){6}${last}`];
  for (let left = 0; left <= 5; left++) forms.push(`${before(left)}::(?:${GROUP}:){${5 - left}}${last}`);
  return `(?:${forms.join("|")}|${before(6)}::${GROUP}|${before(7)}::)`;
}
