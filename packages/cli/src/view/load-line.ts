/** What goes on while a model of the hub is made ready, in one line. In: progress of the runtime. Out: text. */
import type { LoadProgress } from "@orrery/runtime";
import { bytes, duration } from "./numbers.ts";

/** `· fetching model.safetensors: 1.2 GB of 9.6 GB, 45.1 MB/s, 3 min 6 s left`. */
export function loadLine(progress: LoadProgress): string {
  switch (progress.type) {
    case "fetch": {
      const { rate, secondsLeft } = progress;
      const pace = rate === null || secondsLeft === null ? "" : `, ${bytes(Math.round(rate))}/s, ${duration(1000 * secondsLeft)} left`;
      return `· fetching ${progress.file}: ${bytes(progress.bytes)} of ${bytes(progress.total)}${pace}`;
    }
    case "waiting":
      return `· another process fetches ${progress.file}; waiting for it`;
    case "retry":
      return `· ${progress.message}; trying again in ${duration(progress.delayMs)}`;
    case "offline":
      return `· ${progress.message}; using ${progress.revision} as it was at the last visit (${progress.commit.slice(0, 12)})`;
    case "export":
      return `· exporting: ${progress.done} of ${progress.total} weights, ${bytes(progress.bytes)}`;
  }
}

/** Tenths done, rounded down; 0 for what has no measure. */
export function tenthOf(progress: LoadProgress): number {
  if (progress.type === "fetch") return Math.floor((10 * progress.bytes) / Math.max(1, progress.total));
  return progress.type === "export" ? Math.floor((10 * progress.done) / Math.max(1, progress.total)) : 0;
}
