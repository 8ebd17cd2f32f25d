/** Dates, times and durations of RFC 3339 as pattern sources. Law: leap years and leap seconds count; nothing that does not exist passes. */

const HOUR = "(?:[01]\\d|2[0-3])";
const SIXTY = "[0-5]\\d";
const FRACTION = "(?:\\.\\d+)?";
const ZONE = `(?:[Zz]|[+\\-]${HOUR}:${SIXTY})`;
const LEAP_YEAR = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const MINUTES_A_DAY = 1_440;

/** `full-date` */
export const DATE = `(?:\\d{4}-(?:${[
  "(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])",
  "(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)",
  "02-(?:0[1-9]|1\\d|2[0-8])",
].join("|")})|${LEAP_YEAR}-02-29)`;

/** `full-time`: the zone is required. */
export const TIME = `(?:${HOUR}:${SIXTY}:${SIXTY}${FRACTION}${ZONE}|${leapSeconds()})`;

/** Appendix A: units in order and none of them left out in between. */
export const DURATION = duration();

/** A leap second is the last one of a day in UTC: to each local time belongs one zone east, and one west, of it. */
function leapSeconds(): string {
  const clock = (minutes: number) => [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
  const hours = Array.from({ length: 24 }, (_, hour) => {
    const minutes = Array.from({ length: 60 }, (__, minute) => {
      const local = 60 * hour + minute;
      const east = (local + 1) % MINUTES_A_DAY;
      const west = MINUTES_A_DAY - 1 - local;
      const zones = [`\\+${clock(east)}`, `-${clock(west)}`, ...(west === 0 ? ["[Zz]"] : [])];
      return `${String(minute).padStart(2, "0")}:60${FRACTION}(?:${zones.join("|")})`;
    });
    return `${String(hour).padStart(2, "0")}:(?:${minutes.join("|")})`;
  });
  return hours.join("|");
}

function duration(): string {
  const time = "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)";
  const date = "(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)";
  return `P(?:${date}(?:${time})?|${time}|\\d+W)`;
}
