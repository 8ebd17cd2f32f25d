import assert from "node:assert/strict";
import test from "node:test";
import { isLow, missing, release, reserve } from "../src/stock.js";

const stock = { pen: 5, lamp: 0, mug: 6 };

test("reserve takes units out of the stock", () => assert.equal(reserve(stock, "pen", 2).pen, 3));
test("reserve can take the last unit", () => assert.equal(reserve(stock, "pen", 5).pen, 0));
test("reserve refuses more than there is", () => assert.throws(() => reserve(stock, "lamp", 1), /only 0 of lamp left/));
test("release puts units back", () => assert.equal(release(stock, "lamp", 3).lamp, 3));
test("isLow is true at 5 units", () => assert.equal(isLow(stock, "pen"), true));
test("isLow is false at 6 units", () => assert.equal(isLow(stock, "mug"), false));
test("missing lists what is sold out", () => assert.deepEqual(missing(stock), ["lamp"]));
