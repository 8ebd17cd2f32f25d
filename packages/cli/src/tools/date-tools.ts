/** Tools for days and times. The clock comes in, so that a test can hold it still. */
import { tool } from "@orrery/agent";
import { z } from "zod";
import type { BuiltinTool } from "./builtin-tool.ts";
import { DATE, formatDate, parseDate, wallClock, weekdayName } from "./calendar.ts";
import { zoneOfCity } from "./cities.ts";
import { ToolError } from "./tool-error.ts";

const date = z.string().regex(DATE);

/** Days from the year 1 to the year 9999. */
const MAX_DAYS = 3_652_058;

const daysBetween = tool({
  name: "days_between",
  description: "Number of days between two dates.",
  input: z.object({
    start: date.describe("First date, YYYY-MM-DD"),
    end: date.describe("Second date, YYYY-MM-DD"),
  }),
  run: ({ start, end }) => ({ days: parseDate(end) - parseDate(start) }),
});

const dateAdd = tool({
  name: "date_add",
  description: "Date that is N days after a given date.",
  input: z.object({
    date: date.describe("Start date, YYYY-MM-DD"),
    days: z.int().describe("Days to add"),
  }),
  run({ date, days }) {
    if (Math.abs(days) > MAX_DAYS) throw new ToolError("tool/bad-date", "date outside the years 1 to 9999");
    return { date: formatDate(parseDate(date) + days) };
  },
});

const getWeekday = tool({
  name: "get_weekday",
  description: "Day of the week for a date.",
  input: z.object({ date: date.describe("Date as YYYY-MM-DD") }),
  run: ({ date }) => ({ weekday: weekdayName(parseDate(date)) }),
});

export function dateTools(now: () => Date): readonly BuiltinTool[] {
  const getTime = tool({
    name: "get_time",
    description: "Current local time in a city.",
    input: z.object({ city: z.string().min(1).describe("City name") }),
    run({ city }) {
      const { time, date } = wallClock(now(), zoneOfCity(city));
      return { time, date };
    },
  });
  return [
    { tool: daysBetween, keywords: "@dates @date days between until since from difference apart long weeks hours count" },
    { tool: dateAdd, keywords: "@date date days after before later earlier ago from weeks add plus deadline due" },
    { tool: getWeekday, keywords: "@date weekday day week monday tuesday wednesday thursday friday saturday sunday fall falls which" },
    { tool: getTime, keywords: "time now current clock city local zone timezone o'clock" },
  ];
}
