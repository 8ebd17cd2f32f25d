/** What goes on while a model is fetched and exported, in one line. In: progress of the runtime. Out: text. */
import type { LoadProgress } from "@orrery/runtime";
import { bytes, duration } from "./numbers.ts";

/** `· fetching model.safetensors: 1.2 GB of 9.6 GB, 45.1 MB/s, 3 min 6 s left`. */
export function loadLine(progress: LoadProgress): string {
  switch (progress.type) {
    case "fetch":
      return `· fetching ${progress.file}: ${measured(progress)}`;
    case "waiting":
      return `· another process fetches ${progress.file}; waiting for it`;
    case "retry":
      return `· ${progress.message}; trying again in ${duration(progress.delayMs)}`;
    case "offline":
      return `· ${progress.message}; using ${progress.revision} as it was at the last visit (${progress.commit.slice(0, 12)})`;
    case "busy":
      return `· ${progress.message}`;
    case "export":
      return `· exporting: ${measured(progress)}, ${progress.weight}`;
  }
}

function measured({ bytes: done, total, rate, secondsLeft }: Extract<LoadProgress, { total: number }>): string {
  const pace = rate === null || secondsLeft === null ? "" : `, ${bytes(Math.round(rate))}/s, ${duration(1000 * secondsLeft)} left`;
  return `${bytes(done)} of ${bytes(total)}${pace}`;
}

/** Tenths done, rounded down; 0 for what has no measure. */
export function tenthOf(progress: LoadProgress): number {
  return "total" in progress ? Math.floor((10 * progress.bytes) / Math.max(1, progress.total)) : 0;
}
