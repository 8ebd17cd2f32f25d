import assert from "node:assert/strict";
import test from "node:test";
import { chunk, last, mean, range, unique } from "../src/list.js";

test("last is the item at the end", () => assert.equal(last([4, 7, 9]), 9));
test("unique drops repeated items", () => assert.deepEqual(unique([1, 2, 1]), [1, 2]));
test("chunk cuts into pieces of the size", () => assert.deepEqual(chunk([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]));
test("range includes both ends", () => assert.deepEqual(range(2, 5), [2, 3, 4, 5]));
test("mean of 2, 4 and 9 is 5", () => assert.equal(mean([2, 4, 9]), 5));
