/** Dates, times and durations of RFC 3339 as pattern sources. Law: leap years and leap seconds count; nothing that does not exist passes. */

const HOUR = "(?:[01]\\d|2[0-3])";
const SIXTY = "[0-5]\\d";
const FRACTION = "(?:\\.\\d+)?";
const ZONE = `(?:[Zz]|[+\\-]${HOUR}:${SIXTY})`;
const LEAP_YEAR = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";

/** `full-date` */
export const DATE = `(?:\\d{4}-(?:${[
  "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])",
  "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)",
  "02-(?:0[1-9]|1\\d|2[0-8])",
].join("|")})|${LEAP_YEAR}-02-29)`;

/** `full-time`, the zone included: alternatives, each of patterns that must all match. */
export const TIME: readonly (readonly string[])[] = [[`${HOUR}:${SIXTY}:${SIXTY}${FRACTION}${ZONE}`], ...leapSeconds()];

/** Appendix A: units in order and none of them left out in between. */
export const DURATION = duration();

/**
 * A leap second is the last one of a day in UTC: to each local time belongs one zone east, and one west, of it. Hours and minutes do not
 * depend on each other, so each has a pattern of its own.
 */
function leapSeconds(): readonly (readonly string[])[] {
  const two = (number: number) => String(number).padStart(2, "0");
  /** Patterns of `count` numbers, each with what belongs to it. */
  const each = (count: number, pattern: (number: number) => string) =>
    `(?:${Array.from({ length: count }, (_, i) => pattern(i)).join("|")})`;
  return [
    [`23:59:60${FRACTION}[Zz]`],
    [
      each(24, (hour) => `${two(hour)}:${SIXTY}:60${FRACTION}-${two(23 - hour)}:${SIXTY}`),
      each(60, (minute) => `${HOUR}:${two(minute)}:60${FRACTION}-${HOUR}:${two(59 - minute)}`),
    ],
    [
      each(24, (hour) => `${two(hour)}:${SIXTY}:60${FRACTION}\\+${two(hour)}:${SIXTY}`),
      each(59, (minute) => `${HOUR}:${two(minute)}:60${FRACTION}\\+${HOUR}:${two(minute + 1)}`),
    ],
    [each(24, (hour) => `${two(hour)}:59:60${FRACTION}\\+${two((hour + 1) % 24)}:00`)],
  ];
}

function duration(): string {
  const time = "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)";
  const date = "(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)";
  return `P(?:${date}(?:${time})?|${time}|\\d+W)`;
}
