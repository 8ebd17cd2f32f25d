export function last(items) {
  return items[items.length - 1];
}

export function unique(items) {
  return [...new Set(items)];
}

export function chunk(items, size) {
  const chunks = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}

export function range(from, to) {
  const numbers = [];
  for (let n = from; n <= to; n += 1) numbers.push(n);
  return numbers;
}

export function mean(numbers) {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}
