import fc from "fast-check";
import { chooseBlock, quantizeRows, zeroPointBytes, type Bits, type Block } from "./quantize.ts";

const COLUMNS = 64;

/** Rows of 64 finite float32 of any size, or of ordinary size: both occur in checkpoints. */
const anyRows = fc.oneof(
  fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2 * COLUMNS, maxLength: 2 * COLUMNS }),
  fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), { minLength: 2 * COLUMNS, maxLength: 2 * COLUMNS }),
);

interface Decoded {
  readonly value: number;
  readonly scale: number;
}

/** The layout, read as ONNX Runtime documents it. */
function decode(floats: Float32Array, columns: number, block: Block, bits: Bits): Decoded[] {
  const { data, scales, zeroPoints } = quantizeRows(floats, columns, block, bits);
  const zeroBytes = zeroPointBytes(columns, block, bits);
  const unpack = (bytes: Uint8Array, at: number): number => (bits === 8 ? bytes[at]! : (bytes[at >> 1]! >> (4 * (at & 1))) & 15);
  return Array.from(floats, (_, i) => {
    const row = Math.floor(i / columns);
    const b = Math.floor((i % columns) / block);
    const scale = scales[(row * columns) / block + b]!;
    const zero = unpack(zeroPoints.subarray(row * zeroBytes, (row + 1) * zeroBytes), b);
    return { value: (unpack(data, i) - zero) * scale, scale };
  });
}

function squaredError(floats: Float32Array, decoded: readonly { readonly value: number }[]): number {
  return floats.reduce((sum, x, i) => sum + (x - decoded[i]!.value) ** 2, 0);
}

/** Rounding to 16 even steps over the range of the block and 0. */
function plainRounding(floats: Float32Array, block: number): { value: number }[] {
  return Array.from(floats, (x, i) => {
    const values = floats.subarray(i - (i % block), i - (i % block) + block);
    const low = Math.min(0, ...values);
    const step = (Math.max(0, ...values) - low) / 15;
    if (step === 0) return { value: 0 };
    const zero = Math.round(-low / step);
    return { value: (Math.min(15, Math.max(0, Math.round(x / step) + zero)) - zero) * step };
  });
}

describe("8 bits", () => {
  test("every number comes back within half a step of its block, at the ends one step", () => {
    fc.assert(
      fc.property(anyRows, fc.constantFrom<Block>(16, 32, 64), (numbers, block) => {
        const floats = Float32Array.from(numbers);
        decode(floats, COLUMNS, block, 8).forEach(({ value, scale }, i) => {
          // The zero point is rounded too: the largest number may lie half a step beyond 255.
          expect(Math.abs(value - floats[i]!)).toBeLessThanOrEqual(scale * 1.001 + 2 ** -140);
        });
      }),
    );
  });

  test("the relative error of Gaussian numbers in blocks of 128 is below 0.7 %", () => {
    const floats = gaussian(2 ** 14);
    expect(relativeError(floats, decode(floats, 1024, 128, 8))).toBeLessThan(0.007);
  });
});

describe("4 bits", () => {
  test("the search is never worse than plain rounding", () => {
    const rows = fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), { minLength: COLUMNS, maxLength: COLUMNS });
    fc.assert(
      fc.property(rows, (numbers) => {
        const floats = Float32Array.from(numbers);
        const plain = squaredError(floats, plainRounding(floats, 32));
        expect(squaredError(floats, decode(floats, COLUMNS, 32, 4))).toBeLessThanOrEqual(plain * 1.0001 + 1e-12);
      }),
    );
  });

  test("the relative error of Gaussian numbers in blocks of 128 is below 9.7 %, of plain rounding above 9.8 %", () => {
    const floats = gaussian(2 ** 14);
    expect(relativeError(floats, decode(floats, 1024, 128, 4))).toBeLessThan(0.097);
    expect(relativeError(floats, plainRounding(floats, 128))).toBeGreaterThan(0.098);
  });

  test("a row with an odd number of blocks starts its zero points on a new byte", () => {
    const floats = Float32Array.from({ length: 2 * 48 }, (_, i) => (i % 16 === 0 ? -1 : 1)); // three blocks of 16 a row
    const { zeroPoints } = quantizeRows(floats, 48, 16, 4);
    expect([...zeroPoints]).toEqual([0x88, 0x08, 0x88, 0x08]);
  });
});

describe.each<Bits>([4, 8])("%i bits", (bits) => {
  test("zeros come back as exactly 0", () => {
    fc.assert(
      fc.property(anyRows, fc.nat(COLUMNS - 1), (numbers, at) => {
        const floats = Float32Array.from(numbers);
        floats[at] = 0;
        expect(Math.abs(decode(floats, COLUMNS, 16, bits)[at]!.value)).toBe(0);
      }),
    );
  });

  test("scales are finite and never negative, whatever the numbers", () => {
    fc.assert(
      fc.property(anyRows, (numbers) => {
        const { scales } = quantizeRows(Float32Array.from(numbers), COLUMNS, 16, bits);
        expect(scales.every((scale) => scale >= 0 && Number.isFinite(scale))).toBe(true);
      }),
    );
  });
});

test("the largest of 128, 64, 32 and 16 that divides the columns is the block", () => {
  expect([1536, 576, 96, 48].map((columns) => chooseBlock("w", columns))).toEqual([128, 64, 32, 16]);
});

test("columns that 16 does not divide are refused by name", () => {
  expect(() => chooseBlock("layers.0.odd", 40)).toThrow(
    expect.objectContaining({ code: "export/block", message: expect.stringContaining("layers.0.odd has 40 columns") }),
  );
});

/** Sums of twelve uniform numbers of a fixed generator: near enough to Gaussian up to three deviations and more. */
function gaussian(length: number): Float32Array {
  let state = 7;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length }, () => Array.from({ length: 12 }, uniform).reduce((sum, x) => sum + x, -6));
}

function relativeError(floats: Float32Array, decoded: readonly { readonly value: number }[]): number {
  return Math.sqrt(
    squaredError(floats, decoded) /
      squaredError(
        floats,
        [...floats].map(() => ({ value: 0 })),
      ),
  );
}
