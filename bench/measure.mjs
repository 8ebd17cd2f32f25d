/** Small helpers for side-by-side measurements: medians, spreads, event-loop delay. */
import { monitorEventLoopDelay } from "node:perf_hooks";

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that `share` (0 … 1) of the values do not exceed. */
export function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)];
}

/** "median (min … max)" with `digits` decimals. */
export function spread(values, digits = 1) {
  const f = (x) => x.toFixed(digits);
  return `${f(median(values))} (${f(Math.min(...values))} … ${f(Math.max(...values))})`;
}

export async function timed(run) {
  const start = performance.now();
  const result = await run();
  return { ms: performance.now() - start, result };
}

/** Runs `work` while the event loop's delay is sampled every millisecond; milliseconds beyond the timer's own period. */
export async function loopDelay(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await work();
  histogram.disable();
  const ms = (ns) => Math.max(0, ns / 1e6 - 1);
  return { p50: ms(histogram.percentile(50)), p99: ms(histogram.percentile(99)), max: ms(histogram.max) };
}
