import { discount, shipping } from "./price.js";

export const MAX_ITEMS = 20;

export function addItem(cart, name, price, quantity = 1) {
  if (quantity < 1) throw new RangeError("quantity must be at least 1");
  if (count(cart) + quantity > MAX_ITEMS) throw new RangeError("the cart is full");
  return [...cart, { name, price, quantity }];
}

export function count(cart) {
  return cart.reduce((sum, item) => sum + item.quantity, 0);
}

export function subtotal(cart) {
  return cart.reduce((sum, item) => sum + item.price * item.quantity, 0);
}

export function total(cart, percent = 0) {
  const reduced = discount(subtotal(cart), percent);
  return reduced + shipping(reduced);
}
