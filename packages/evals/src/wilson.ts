/** A share of successes with its 95 % Wilson score interval (Wilson 1927), which stays inside [0, 1] also for small n. */
export interface Share {
  readonly n: number;
  readonly hits: number;
  /** hits / n; NaN when n is 0. */
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export function wilson(hits: number, n: number): Share {
  if (n === 0) return { n, hits, share: Number.NaN, low: 0, high: 1 };
  const z = 1.959964; // 97.5 % quantile of the standard normal distribution
  const p = hits / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { n, hits, share: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
