import { fullFormats } from "ajv-formats/dist/formats.js";
import fc from "fast-check";
import { codePointsOf } from "../code-points.ts";
import { format, FORMAT_NAMES, has, some, type Language } from "../index.ts";

/** What ajv-formats says in its full mode; undefined where it has no such format. */
function ajv(name: string, text: string): boolean | undefined {
  const known = fullFormats[name as keyof typeof fullFormats];
  if (known === undefined || known === true) return known;
  const validate = typeof known === "object" && "validate" in known ? known.validate : known;
  if (validate instanceof RegExp) return validate.test(text);
  return (validate as (text: string) => boolean)(text);
}

/** A member: a walk that takes the edges that the choices say, and then the shortest way to an end. */
function member(language: Language, choices: readonly number[]): string {
  let state = language.start;
  let text = "";
  const take = (edge: number, offset: number) => {
    const { first, last, next } = language.edges(state)[edge]!;
    text += String.fromCodePoint(first + (offset % (last - first + 1)));
    state = next;
  };
  for (const choice of choices) {
    const count = language.edges(state).length;
    if (count > 0) take(choice % count, Math.floor(choice / count));
  }
  while (!language.accepts(state)) {
    const needed = language.edges(state).map(({ next }) => language.least(next));
    take(needed.indexOf(Math.min(...needed)), 0);
  }
  return text;
}

const choices = fc.array(fc.nat(1_000_000), { maxLength: 30 });
const compared = FORMAT_NAMES.filter((name) => ajv(name, "") !== undefined);

test("every member is one for ajv-formats, and so is everything near it that is accepted", () => {
  const name = fc.constantFrom(...compared);
  const change = fc.tuple(fc.nat(40), fc.constantFrom("", ..."0129afZzTt:-+.%/~#[]@ é\n"), fc.boolean());
  fc.assert(
    fc.property(name, choices, fc.array(change, { maxLength: 3 }), (one, walk, changes) => {
      const language = format(one)!;
      const text = member(language, walk);
      expect([one, text, ajv(one, text)]).toEqual([one, text, true]);
      const points = [...text];
      for (const [at, by, insert] of changes) {
        points.splice(at % (points.length + 1), insert ? 0 : 1, by);
        const changed = points.join("");
        if (has(language, changed)) expect([one, changed, ajv(one, changed)]).toEqual([one, changed, true]);
      }
    }),
    { numRuns: 3_000 },
  );
});

test("a date is accepted if and only if there is such a day", () => {
  const part = (most: number) => fc.nat(most).map((number) => String(number).padStart(2, "0"));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999 }), part(14), part(33), (year, month, day) => {
      const text = `${String(year).padStart(4, "0")}-${month}-${day}`;
      const time = Date.parse(`${text}T00:00:00Z`);
      const exists = Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
      expect([text, has(format("date")!, text)]).toEqual([text, exists]);
    }),
    { numRuns: 2_000 },
  );
  for (const text of ["2024-02-29", "2000-02-29", "0000-02-29"]) expect(has(format("date")!, text)).toBe(true);
  for (const text of ["2023-02-29", "1900-02-29", "2024-02-30", "2024-2-29"]) expect(has(format("date")!, text)).toBe(false);
});

test("a leap second is the last second of a day in UTC, whatever the zone", () => {
  for (let local = 0; local < 1_440; local += 7)
    for (const zone of [local + 1, local - 1_439, local + 2, local - 1_438].map((minutes) => minutes % 1_440)) {
      const clock = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
      const text = `${clock(local)}:60${zone < 0 ? "-" : "+"}${clock(Math.abs(zone))}`;
      const inUtc = (((local - zone) % 1_440) + 1_440) % 1_440;
      expect([text, has(format("time")!, text)]).toEqual([text, inUtc === 1_439]);
    }
});

const CASES: readonly (readonly [name: string, valid: readonly string[], invalid: readonly string[]])[] = [
  [
    "time",
    ["08:30:06Z", "08:30:06.283185z", "12:34:56-00:00", "23:59:60Z", "15:59:60.5-08:00"],
    ["24:00:00Z", "12:00:00", "08:30:06+8:00", "22:59:60Z"],
  ],
  [
    "date-time",
    ["1963-06-19T08:30:06.283185Z", "1998-12-31t23:59:60z"],
    ["1998-12-31T23:58:60Z", "1963-06-19 08:30:06Z", "1990-02-31T15:59:59Z"],
  ],
  ["duration", ["P4DT12H30M5S", "P2W", "PT0S", "P1Y2M"], ["P", "PT", "P1Y2D", "P1Y2W", "PT1H2S", "PT0.5S", "p1d"]],
  [
    "email",
    ["joe.bloggs@example.com", "te~st@example.com"],
    ["2962", ".a@example.com", "a..b@example.com", "a@b", "a@-b.com", `${"a".repeat(65)}@example.com`],
  ],
  [
    "hostname",
    ["example.com", "a--b.com", `${"a".repeat(63)}.com`],
    ["", "example.", "-a", "a_b", "xn--X", `${"a".repeat(64)}.com`, `${"a.".repeat(126)}ab`],
  ],
  ["ipv4", ["192.168.0.1", "0.0.0.0"], ["256.1.1.1", "01.1.1.1", "1.1.1"]],
  [
    "ipv6",
    ["::1", "::", "1:2:3:4:5:6:7:8", "1::8", "::ffff:192.168.0.1", "1:2:3:4:5:6:7::"],
    ["1:2:3:4:5:6:7", "1::2::3", "12345::", "fe80::1%eth0", ":1"],
  ],
  ["uuid", ["2EB8AA08-aa98-11ea-B4AA-73B441D16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638"]],
  [
    "uri",
    ["http://foo.bar/?q=Test%20URL#x", "urn:isbn:1", "ldap://[2001:db8::7]/c=GB?one"],
    ["//foo.bar", "/abc", "http:// x", "http://a/%zz", "a#b#c", "bar,baz:foo"],
  ],
  ["uri-reference", ["/abc", "", "#f", "a/b:c"], ["\\\\WINDOWS", "a b", "#f\\", "1a:b"]],
  ["iri", ["http://ƒøø.ßår/?∂éœ=πîx#x", "http://[2001:db8::7]/"], ["/abc", "http://2001:db8::7\\x"]],
  ["iri-reference", ["/âππ", "#ƒrägmênt"], ["#ƒräg\\mênt"]],
  ["uri-template", ["http://example.com/{term:1}/{term}", "{?x,y*}", ""], ["{", "{}", "{a,}", "{v:10000}", "a b"]],
  ["json-pointer", ["", "/foo/0", "/a~1b", "//"], ["foo", "/~2", "/a~"]],
  ["relative-json-pointer", ["0", "1/a", "0#"], ["-1", "01", "1#/a", ""]],
  ["byte", ["", "YWJj", "YQ=="], ["YQ", "Y*=="]],
  ["password", ["any thing"], []],
];

test.each(CASES)("%s", (name, valid, invalid) => {
  const language = format(name)!;
  expect(valid.filter((text) => !has(language, text))).toEqual([]);
  expect(invalid.filter((text) => has(language, text))).toEqual([]);
  expect(some(language, 3)).toHaveLength(3);
});

test("formats that no automaton decides are not known, nor are others", () => {
  for (const name of ["regex", "idn-email", "idn-hostname", "colour", "constructor"]) expect(format(name)).toBeUndefined();
  expect(FORMAT_NAMES.every((name) => codePointsOf(name) && format(name))).toBe(true);
});
