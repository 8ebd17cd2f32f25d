import assert from "node:assert/strict";
import test from "node:test";
import { discount, format, shipping, withTax } from "../src/price.js";

test("withTax adds 19 percent", () => assert.equal(withTax(10000), 11900));
test("discount takes percent off the price", () => assert.equal(discount(8000, 25), 6000));
test("shipping costs 490 for a small order", () => assert.equal(shipping(4999), 490));
test("shipping is free from 5000 on", () => assert.equal(shipping(5000), 0));
test("format writes euros and cents", () => assert.equal(format(1999), "19.99 EUR"));
