import assert from "node:assert/strict";
import test from "node:test";
import { daysBetween, isLeapYear, isWeekend, quarter } from "../src/dates.js";

test("daysBetween counts the days", () => assert.equal(daysBetween("2026-03-03", "2026-04-19"), 47));
test("isLeapYear of 2024", () => assert.equal(isLeapYear(2024), true));
test("isLeapYear of 1900", () => assert.equal(isLeapYear(1900), false));
test("isLeapYear of 2000", () => assert.equal(isLeapYear(2000), true));
test("quarter of May is 2", () => assert.equal(quarter("2026-05-17"), 2));
test("isWeekend of a Saturday", () => assert.equal(isWeekend("2026-11-28"), true));
test("isWeekend of a Monday", () => assert.equal(isWeekend("2026-11-30"), false));
