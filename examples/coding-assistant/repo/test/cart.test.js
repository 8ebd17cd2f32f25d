import assert from "node:assert/strict";
import test from "node:test";
import { addItem, count, subtotal, total } from "../src/cart.js";

const cart = addItem(addItem([], "pen", 150, 4), "lamp", 5990);

test("count sums the quantities", () => assert.equal(count(cart), 5));
test("subtotal multiplies price and quantity", () => assert.equal(subtotal(cart), 6590));
test("total takes the discount off before shipping", () => assert.equal(total(cart, 50), 3295 + 490));
test("total of a large cart has free shipping", () => assert.equal(total(cart), 6590));
test("addItem takes one item when no quantity is given", () => assert.equal(cart[1].quantity, 1));
test("addItem accepts 20 items", () => assert.equal(count(addItem(cart, "mug", 800, 15)), 20));
test("addItem refuses 21 items", () => assert.throws(() => addItem(cart, "mug", 800, 16), /full/));
test("addItem refuses quantity 0", () => assert.throws(() => addItem(cart, "mug", 800, 0), /at least 1/));
