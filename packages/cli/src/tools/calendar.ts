/**
 * Calendar days. In: dates as YYYY-MM-DD. Out: day numbers and dates again. Law: the proleptic Gregorian calendar in UTC, so that no
 * time zone and no daylight saving can move a day; a date that does not exist (2026-02-30) is refused.
 */
import { ToolError } from "./tool-error.ts";

const MS_PER_DAY = 86_400_000;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
/** The form of a date, not that there is one: a model that may not write 2026-02-30 would write another day than was asked for. */
export const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;

/** Days from 1970-01-01 to `date`, negative before it. @throws ToolError `tool/bad-date` */
export function parseDate(date: string): number {
  const [, year, month, day] = DATE.exec(date.trim()) ?? [];
  if (year === undefined) throw new ToolError("tool/bad-date", `not a date: ${date.slice(0, 40)}, expected YYYY-MM-DD`);
  // setUTCFullYear, because Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const time = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const made = new Date(time);
  if (year === "0000" || made.getUTCMonth() !== Number(month) - 1 || made.getUTCDate() !== Number(day))
    throw new ToolError("tool/bad-date", `there is no date ${date.trim()}`);
  return time / MS_PER_DAY;
}

/** The date of a day number. @throws ToolError `tool/bad-date` outside the years 1 to 9999 */
export function formatDate(day: number): string {
  const made = new Date(day * MS_PER_DAY);
  const year = made.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw new ToolError("tool/bad-date", "date outside the years 1 to 9999");
  return `${String(year).padStart(4, "0")}-${pad(made.getUTCMonth() + 1)}-${pad(made.getUTCDate())}`;
}

export function weekdayName(day: number): string {
  return WEEKDAYS[(((day + 4) % 7) + 7) % 7] ?? "Sunday"; // 1970-01-01 was a Thursday, number 4
}

/** The date on the wall in a time zone at an instant, and the time as HH:MM. */
export function wallClock(now: Date, zone: string): { readonly date: string; readonly time: string } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? "";
  return { date: `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`, time: `${part("hour")}:${part("minute")}` };
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
