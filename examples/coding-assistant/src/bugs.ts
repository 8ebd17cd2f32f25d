/**
 * Bugs for the repository of this example: each is put into a copy of it, alone. In: nothing. Out: data. Law: the clean repository is
 * green, each of these makes it red (a test checks).
 */

export interface Bug {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly right: string;
  readonly wrong: string;
  /** What a person says: what is wrong and where (`told`), or only that a test fails (`found`). */
  readonly task: string;
  readonly kind: "told" | "found";
}

const SOMEWHERE = "A test fails. Find the bug and fix it.";

const told = (name: string, file: string, right: string, wrong: string, task: string): Bug => ({
  name,
  file,
  right,
  wrong,
  task,
  kind: "told",
});
const found = (name: string, file: string, right: string, wrong: string): Bug => ({
  name,
  file,
  right,
  wrong,
  task: SOMEWHERE,
  kind: "found",
});

export const BUGS: readonly Bug[] = [
  told(
    "tax-rate",
    "src/price.js",
    "TAX_RATE = 0.19",
    "TAX_RATE = 0.16",
    "Set TAX_RATE to 0.19 in src/price.js and check that the tests pass.",
  ),
  told(
    "free-shipping",
    "src/price.js",
    "total >= FREE_SHIPPING_FROM",
    "total > FREE_SHIPPING_FROM",
    "In src/price.js, shipping should compare with >= instead of >. Correct it.",
  ),
  told("max-items", "src/cart.js", "MAX_ITEMS = 20", "MAX_ITEMS = 10", "Set MAX_ITEMS to 20 in src/cart.js and check that the tests pass."),
  told(
    "subtotal",
    "src/cart.js",
    "item.price * item.quantity",
    "item.price + item.quantity",
    "The function subtotal in src/cart.js should multiply with * instead of +. Please fix that and run the tests.",
  ),
  told("low", "src/stock.js", "LOW = 5", "LOW = 4", "Please set LOW to 5 in src/stock.js."),
  told(
    "missing",
    "src/stock.js",
    "stock[name] === 0",
    "stock[name] !== 0",
    "In src/stock.js, missing should compare with === instead of !==. Correct it.",
  ),
  told("slug", "src/text.js", '" ", "-"', '" ", "_"', 'In src/text.js, slug should write "-" instead of "_". Correct it.'),
  told(
    "initials",
    "src/text.js",
    "toUpperCase()",
    "toLowerCase()",
    "The function initials in src/text.js should use toUpperCase. Please fix that and run the tests.",
  ),
  told("day", "src/dates.js", "DAY = 86400000", "DAY = 86400", "Set DAY to 86400000 in src/dates.js and check that the tests pass."),
  told(
    "last",
    "src/list.js",
    "items.length - 1",
    "items.length - 2",
    "The function last in src/list.js should subtract 1 instead of 2. Please fix that and run the tests.",
  ),
  found("discount", "src/price.js", "100 - percent", "100 + percent"),
  found("full-cart", "src/cart.js", "quantity > MAX_ITEMS", "quantity >= MAX_ITEMS"),
  found("reserve", "src/stock.js", "?? 0) - units", "?? 0) + units"),
  found("is-low", "src/stock.js", "<= LOW", "< LOW"),
  found("truncate", "src/text.js", "text.length > length", "text.lenght > length"),
  found("plural", "src/text.js", "count === 1", "count !== 1"),
  found("leap-year", "src/dates.js", ") || year", ") && year"),
  found("weekend", "src/dates.js", "day === 6", "day === 5"),
  found("chunk", "src/list.js", "chunks.push", "chunk.push"),
  found("mean", "src/list.js", "sum + n", "sum - n"),
];
