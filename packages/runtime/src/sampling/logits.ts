/**
 * From logits to candidates, in place on preallocated arrays. In: logits and what is legal. Out: candidates with weights.
 * The order is that of most engines: mask, bias, repetition penalty, temperature, top-k, top-p, min-p; each step sees what the one
 * before it left. Law: nothing sorts the vocabulary; each step takes time linear in its candidates.
 */

/** Tokens that may be drawn: the first `count` entries of both arrays. `values` are logits first, weights (not normalised) later. */
export interface Candidates {
  readonly ids: Int32Array;
  readonly values: Float64Array;
  count: number;
}

export function createCandidates(vocabularySize: number): Candidates {
  return { ids: new Int32Array(vocabularySize), values: new Float64Array(vocabularySize), count: 0 };
}

/** What lies this far below the largest exponent weighs less than 1e-17 of it, less than the rounding of the sum: it weighs nothing. */
const NEGLIGIBLE = 40;
const STEPS = 64;
const DECAY = Float64Array.from({ length: NEGLIGIBLE * STEPS + 1 }, (_, i) => Math.exp(-i / STEPS));

/**
 * Turns the first `count` values into weights exp((value − peak) · scale), within 3e-9 of it; 0 below {@link NEGLIGIBLE}. `peak` is
 * their largest. By a table: several times as fast as Math.exp, and the same on every machine.
 */
export function weigh(values: Float64Array, count: number, peak: number, scale: number): void {
  for (let i = 0; i < count; i++) {
    const distance = (peak - values[i]!) * scale;
    if (distance < NEGLIGIBLE) {
      const step = (distance * STEPS) | 0;
      const rest = distance - step / STEPS;
      values[i] = DECAY[step]! * (1 - rest * (1 - rest * (0.5 - rest / 6)));
    } else values[i] = 0;
  }
}

const ALL = 0xffff_ffff;

/** Takes the legal ids and their logits; `bits` null takes all. */
export function gather(candidates: Candidates, logits: Float32Array, bits: Uint32Array | null): void {
  const { ids, values } = candidates;
  let count = 0;
  for (let from = 0, index = 0; from < logits.length; from += 32, index++) {
    const end = Math.min(from + 32, logits.length);
    const word = bits ? (bits[index] ?? 0) : ALL;
    if (word === 0) continue;
    for (let id = from, rest = word; id < end; id++, rest >>>= 1) {
      if ((rest & 1) === 0) continue;
      ids[count] = id;
      values[count++] = logits[id]!;
    }
  }
  candidates.count = count;
}

/** Takes ids and the logits that stand beside them. */
export function take(candidates: Candidates, logits: Float32Array, ids: Int32Array): void {
  candidates.ids.set(ids);
  candidates.values.set(logits);
  candidates.count = ids.length;
}

/** Takes ids and their logits out of those of the whole vocabulary. */
export function takeAt(candidates: Candidates, logits: Float32Array, ids: Int32Array): void {
  for (let i = 0; i < ids.length; i++) {
    candidates.ids[i] = ids[i]!;
    candidates.values[i] = logits[ids[i]!]!;
  }
  candidates.count = ids.length;
}

/** Adds to the logits of some ids; those that are no candidates stay none. Candidates must stand as {@link gather} left them. */
export function shift({ ids, values, count }: Candidates, bias: ReadonlyMap<number, number>): void {
  for (const [id, added] of bias) {
    let first = 0;
    for (let end = count; first < end;) {
      const middle = (first + end) >> 1;
      if (ids[middle]! < id) first = middle + 1;
      else end = middle;
    }
    if (first < count && ids[first] === id) values[first]! += added;
  }
}

/** Divides positive logits of the marked ids by the penalty and multiplies negative ones (Keskar et al. 2019, CTRL, section 4.1). */
export function penalise(candidates: Candidates, marked: Uint8Array, penalty: number): void {
  const { ids, values, count } = candidates;
  for (let i = 0; i < count; i++) {
    if (marked[ids[i]!] === 0) continue;
    const value = values[i]!;
    values[i] = value > 0 ? value / penalty : value * penalty;
  }
}

/** Index of the largest value; the first of equal ones. */
export function largest({ values, count }: Candidates): number {
  let best = 0;
  let most = values[0]!;
  for (let i = 1; i < count; i++) {
    if (values[i]! <= most) continue;
    most = values[i]!;
    best = i;
  }
  return best;
}

/** Logits → weights exp((l − max) / temperature). Where every logit is −∞, all weigh the same. */
export function soften(candidates: Candidates, temperature: number): void {
  const { values, count } = candidates;
  const peak = values[largest(candidates)]!;
  if (peak === -Infinity) values.fill(1, 0, count);
  else weigh(values, count, peak, 1 / temperature);
}

/** Keeps the k heaviest. */
export function keepTopK(candidates: Candidates, k: number): void {
  if (k < candidates.count) candidates.count = heaviest(candidates, k, () => 1);
}

/** Keeps the smallest number of heaviest candidates that together reach the share p of all weight. */
export function keepTopP(candidates: Candidates, p: number): void {
  if (p < 1) candidates.count = heaviest(candidates, p * total(candidates), (value) => value);
}

/** Drops what weighs less than `share` of the heaviest. */
export function keepMinP(candidates: Candidates, share: number): void {
  const { ids, values, count } = candidates;
  const least = values[largest(candidates)]! * share;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (values[i]! < least) continue;
    ids[kept] = ids[i]!;
    values[kept++] = values[i]!;
  }
  candidates.count = kept;
}

export function total({ values, count }: Candidates): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]!;
  return sum;
}

/** Index of the candidate at `share` (0 … 1) of the summed weights. */
export function at(candidates: Candidates, share: number): number {
  const { values, count } = candidates;
  let rest = share * total(candidates);
  for (let i = 0; i < count; i++) {
    rest -= values[i]!;
    if (rest < 0) return i;
  }
  // Rounding used up the sum: the last one that weighs anything.
  let last = count - 1;
  while (last > 0 && values[last] === 0) last--;
  return last;
}

/** Shares of the heaviest weight at which the light candidates are set aside: most distributions need only the first or second. */
const LIGHT = [1e-2, 1e-4, 1e-7];

/** Moves the candidates that are not light to the front, until their costs reach `budget`; returns how many must be looked at. */
function bringForward(candidates: Candidates, budget: number, cost: (value: number) => number): number {
  const { values, count } = candidates;
  const most = values[largest(candidates)]!;
  let front = 0;
  let spent = 0;
  for (const light of LIGHT) {
    for (let i = front; i < count; i++) {
      if (values[i]! < most * light) continue;
      spent += cost(values[i]!);
      swap(candidates, i, front++);
    }
    if (spent >= budget) return front;
  }
  return count;
}

/**
 * Moves the heaviest candidates to the front until their costs reach `budget`; returns how many they are, at least 1. Quickselect by
 * cost: after each split only the part that holds the border is looked at again.
 */
function heaviest(candidates: Candidates, budget: number, cost: (value: number) => number): number {
  const { values } = candidates;
  let first = 0;
  let end = bringForward(candidates, budget, cost);
  let rest = budget;
  while (end - first > 1) {
    const pivot = median(values[first]!, values[(first + end) >> 1]!, values[end - 1]!);
    // [first, above): heavier than the pivot; [above, i): equal; [below, end): lighter.
    let above = first;
    let below = end;
    let heavier = 0;
    for (let i = first; i < below;) {
      const value = values[i]!;
      if (value > pivot) {
        heavier += cost(value);
        swap(candidates, i++, above++);
      } else if (value < pivot) swap(candidates, i, --below);
      else i++;
    }
    if (heavier >= rest && above > first) {
      end = above;
      continue;
    }
    rest -= heavier;
    // Equal ones are interchangeable: take as many as the budget asks for.
    for (let i = above; i < below; i++) {
      rest -= cost(pivot);
      if (rest <= 0) return i + 1;
    }
    first = below;
  }
  return Math.max(1, Math.min(end, first + 1));
}

function swap({ ids, values }: Candidates, i: number, j: number): void {
  const id = ids[i]!;
  const value = values[i]!;
  ids[i] = ids[j]!;
  values[i] = values[j]!;
  ids[j] = id;
  values[j] = value;
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
