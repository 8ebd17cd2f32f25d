/**
 * Rows in 8 bits. In: float32 rows [rows, heads · size]. Out: whole numbers from −127 to 127, and a scale for each row and head, so that
 * number · scale is the nearest there is: x ≈ round(x / s) · s with s = max|x| / 127. Law: what has no largest number (NaN, an infinity)
 * stays visible: its scale is not finite.
 */
import type { RowArray } from "./spans.ts";

/** The newest rows of a sequence stay as they were computed: attention looks at them most, and a reply is often taken back. */
export const RECENT = 256;

/** Older rows are rounded so many at a time. */
export const OLD_BLOCK = 64;

const LARGEST = 127;
/** Below, a scale would have too few digits itself. */
const SMALLEST_SCALE = 2 ** -126;

/** `numbers`: int8 [rows, heads · size], `scales`: float32 [rows, heads]; both are written. */
export function quantizeRows(rows: RowArray, heads: number, size: number, numbers: RowArray, scales: RowArray): void {
  for (let head = 0; head < rows.length / size; head++) {
    const [start, end] = [head * size, (head + 1) * size];
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(rows[i]!));
    const scale = largest / LARGEST < SMALLEST_SCALE ? 0 : Math.fround(largest / LARGEST);
    scales[head] = scale;
    for (let i = start; i < end; i++) numbers[i] = scale > 0 ? Math.round(rows[i]! / scale) : 0; // Infinity / Infinity, too, is stored as 0
  }
}
