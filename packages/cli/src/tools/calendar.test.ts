import fc from "fast-check";
import { formatDate, parseDate, wallClock, weekdayName } from "./calendar.ts";
import { zoneOfCity } from "./cities.ts";

test("days between two dates", () => {
  expect(parseDate("2026-04-19") - parseDate("2026-03-03")).toBe(47);
  expect(parseDate("2024-03-01") - parseDate("2024-02-28")).toBe(2);
  expect(parseDate("2100-03-01") - parseDate("2100-02-28")).toBe(1);
  expect(parseDate("2000-01-01") - parseDate("1999-12-31")).toBe(1);
  expect(parseDate("1970-01-01")).toBe(0);
  expect(parseDate("2026-3-3")).toBe(parseDate("2026-03-03"));
});

test.each([
  "2026-02-29",
  "2025-13-01",
  "2026-00-10",
  "2026-01-00",
  "2026-04-31",
  "0000-01-01",
  "03/04/2026",
  "2026-1",
  "tomorrow",
  "",
  "2026-03-03T10:00",
])("%p is no date", (text) => expect(() => parseDate(text)).toThrow(expect.objectContaining({ code: "tool/bad-date" })));

test("adding days crosses months, years and leap days", () => {
  expect(formatDate(parseDate("2026-02-11") + 45)).toBe("2026-03-28");
  expect(formatDate(parseDate("2024-02-28") + 1)).toBe("2024-02-29");
  expect(formatDate(parseDate("0099-12-31") + 1)).toBe("0100-01-01");
  expect(() => formatDate(parseDate("9999-12-31") + 1)).toThrow(expect.objectContaining({ code: "tool/bad-date" }));
  expect(() => formatDate(1e15)).toThrow(expect.objectContaining({ code: "tool/bad-date" }));
});

test("a day number and its date are one to one", () => {
  fc.assert(fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (day) => expect(parseDate(formatDate(day))).toBe(day)));
});

test("weekdays are those of the calendar", () => {
  expect(weekdayName(parseDate("2024-04-28"))).toBe("Sunday");
  expect(weekdayName(parseDate("2026-11-24"))).toBe("Tuesday");
  fc.assert(
    fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (day) => {
      const english = new Intl.DateTimeFormat("en-US", { weekday: "long", timeZone: "UTC" }).format(new Date(day * 86_400_000));
      expect(weekdayName(day)).toBe(english);
    }),
  );
});

test("a city has the time of its zone, summer time included", () => {
  const summer = new Date("2026-07-01T22:30:00Z");
  expect(wallClock(summer, zoneOfCity("Tokyo"))).toEqual({ date: "2026-07-02", time: "07:30" });
  expect(wallClock(summer, zoneOfCity("New York"))).toEqual({ date: "2026-07-01", time: "18:30" });
  expect(wallClock(new Date("2026-01-01T23:30:00Z"), zoneOfCity("London"))).toEqual({ date: "2026-01-01", time: "23:30" });
  expect(wallClock(new Date("2026-01-01T23:00:00Z"), zoneOfCity("Oslo"))).toEqual({ date: "2026-01-02", time: "00:00" });
});

test.each([
  ["São Paulo", "America/Sao_Paulo"],
  ["sao paulo, brazil", "America/Sao_Paulo"],
  ["MEXICO CITY", "America/Mexico_City"],
  ["Buenos Aires", "America/Argentina/Buenos_Aires"],
  ["Bergen", "Europe/Oslo"],
  ["San Francisco", "America/Los_Angeles"],
  ["Washington, D.C.", "America/New_York"],
  ["Zürich", "Europe/Zurich"],
  ["Tromsø", "Europe/Oslo"],
  ["Beijing", "Asia/Shanghai"],
  ["Asia/Tokyo", "Asia/Tokyo"],
  ["utc", "UTC"],
])("%s lies in %s", (city, zone) => {
  const now = new Date("2026-05-05T05:05:00Z");
  expect(wallClock(now, zoneOfCity(city))).toEqual(wallClock(now, zone));
});

test("a place that nobody knows is refused", () => {
  for (const city of ["Atlantis", "", "constructor", "../etc"])
    expect(() => zoneOfCity(city)).toThrow(expect.objectContaining({ code: "tool/unknown-city" }));
});

test("every city of the table has a zone that the platform knows", () => {
  for (const city of ["Kyiv", "Hanoi", "Mumbai", "Hilo", "Bali", "Graz", "Quito"])
    expect(wallClock(new Date(0), zoneOfCity(city)).time).toMatch(/^\d\d:\d\d$/);
});
