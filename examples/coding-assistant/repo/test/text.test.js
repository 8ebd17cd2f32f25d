import assert from "node:assert/strict";
import test from "node:test";
import { initials, plural, slug, truncate } from "../src/text.js";

test("slug joins words with a hyphen", () => assert.equal(slug(" Red Desk Lamp "), "red-desk-lamp"));
test("truncate cuts and adds three dots", () => assert.equal(truncate("desk lamp", 4), "desk..."));
test("truncate keeps a short text", () => assert.equal(truncate("lamp", 4), "lamp"));
test("initials are upper case", () => assert.equal(initials("ada lovelace"), "AL"));
test("plural adds an s", () => assert.equal(plural(3, "pen"), "3 pens"));
test("plural of one is the word", () => assert.equal(plural(1, "pen"), "1 pen"));
