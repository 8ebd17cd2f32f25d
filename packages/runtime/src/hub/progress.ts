/**
 * How far fetching is. In: bytes as they come. Out: events with rate and time left. Law: no more than ten a second, and the last one
 * of a file is never left out.
 */

/** What happens while a model is fetched. Bytes are of all files that this call fetches. */
export type FetchProgress =
  | {
      readonly type: "fetch";
      /** Path in the repository. */
      readonly file: string;
      readonly fileBytes: number;
      readonly fileTotal: number;
      readonly bytes: number;
      readonly total: number;
      /** Bytes per second, of the last seconds; null before it can be said. */
      readonly rate: number | null;
      readonly secondsLeft: number | null;
    }
  /** Another process fetches this file; this one waits for it. */
  | { readonly type: "waiting"; readonly file: string }
  /** A request failed and is made again after `delayMs`. */
  | { readonly type: "retry"; readonly message: string; readonly delayMs: number }
  /** The hub cannot be reached; `revision` is what it was at its last visit. */
  | { readonly type: "offline"; readonly revision: string; readonly commit: string; readonly message: string };

const INTERVAL_MS = 100;
const WINDOW_MS = 5000;
/** Of less than this no rate is told. */
const SHORTEST_MS = 500;

/** Counts bytes over all files of one fetch. */
export class ProgressMeter {
  readonly #total: number;
  readonly #report: (progress: FetchProgress) => void;
  readonly #now: () => number;
  /** Bytes received at moments of the last seconds, oldest first. */
  #samples: { readonly at: number; readonly received: number }[] = [];
  #received = 0;
  #settled = 0;
  #last = Number.NEGATIVE_INFINITY;

  constructor(total: number, report: (progress: FetchProgress) => void, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#report = report;
    this.#now = now;
    this.#samples.push({ at: now(), received: 0 });
  }

  /** `file` stands at `fileBytes`, of which `received` came just now over the wire. */
  file(file: string, fileBytes: number, fileTotal: number, received: number): void {
    const now = this.#now();
    this.#received += received;
    const ended = fileBytes === fileTotal;
    if (now - this.#last >= INTERVAL_MS || ended) {
      this.#last = now;
      this.#samples.push({ at: now, received: this.#received });
      while (this.#samples.length > 2 && now - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
      const bytes = this.#settled + fileBytes;
      const rate = this.#rate(now);
      const secondsLeft = rate === null ? null : (this.#total - bytes) / rate;
      this.#report({ type: "fetch", file, fileBytes, fileTotal, bytes, total: this.#total, rate, secondsLeft });
    }
  }

  /** A file is done: its bytes count from now on. */
  settle(bytes: number): void {
    this.#settled += bytes;
  }

  #rate(now: number): number | null {
    const { at, received } = this.#samples[0]!;
    const elapsed = now - at;
    const bytes = this.#received - received;
    return elapsed < SHORTEST_MS || bytes === 0 ? null : (bytes / elapsed) * 1000;
  }
}
