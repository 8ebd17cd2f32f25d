/** Prices in whole cents. */

export const TAX_RATE = 0.19;
export const FREE_SHIPPING_FROM = 5000;
export const SHIPPING = 490;

export function withTax(net) {
  return Math.round(net * (1 + TAX_RATE));
}

export function discount(price, percent) {
  return Math.round((price * (100 - percent)) / 100);
}

export function shipping(total) {
  return total >= FREE_SHIPPING_FROM ? 0 : SHIPPING;
}

export function format(cents) {
  return (cents / 100).toFixed(2) + " EUR";
}
