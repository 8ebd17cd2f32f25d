/** How far an export is. In: bytes as they are written. Out: share, rate and time left, for whoever shows it. */
import type { OnBytes } from "./data-file.ts";
import { plannedBytes, type DataFile } from "./plan.ts";
import { Rate } from "./rate.ts";

/** How far an export is. */
export interface ExportProgress {
  /** The weight of which bytes were written last, by its name in the graph. */
  readonly weight: string;
  /** Bytes of weights that are done, of all; those that an earlier attempt had finished count. */
  readonly bytes: number;
  readonly total: number;
  /** A mean over about ten seconds; null before there is anything to judge by. */
  readonly rate: number | null;
  /** At that rate; null while there is none. */
  readonly secondsLeft: number | null;
  /** Milliseconds since the export began. */
  readonly elapsedMs: number;
}

/** Turns written bytes into progress. `kept`: bytes that were there before; `began`: by `performance.now()`. */
export function progressOf(files: readonly DataFile[], kept: number, began: number, report: (progress: ExportProgress) => void): OnBytes {
  const total = plannedBytes(files);
  const pace = new Rate(performance.now());
  let bytes = kept;
  return (more, weight) => {
    const now = performance.now();
    bytes += more;
    pace.add(more, now);
    const rate = pace.perSecond;
    const secondsLeft = rate === null ? null : (total - bytes) / rate;
    report({ weight, bytes, total, rate, secondsLeft, elapsedMs: now - began });
  };
}
