export const LOW = 5;

export function reserve(stock, name, units) {
  const left = (stock[name] ?? 0) - units;
  if (left < 0) throw new RangeError(`only ${stock[name] ?? 0} of ${name} left`);
  return { ...stock, [name]: left };
}

export function release(stock, name, units) {
  return { ...stock, [name]: (stock[name] ?? 0) + units };
}

export function isLow(stock, name) {
  return (stock[name] ?? 0) <= LOW;
}

export function missing(stock) {
  return Object.keys(stock).filter((name) => stock[name] === 0);
}
