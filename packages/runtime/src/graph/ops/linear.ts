/** Matrix products: dense, and with weights in blocks of 4 or 8 bits. */
import { GraphError } from "../../errors.ts";
import { requireDim, requireDtype } from "../checks.ts";
import type { Value } from "../graph.ts";
import { FOLLOW_SHAPES, broadcastShapes, dimAt, formatShape, type Shape } from "../shape.ts";

/** How the operands lie in memory. */
export interface MatmulOptions {
  /** b is [..., n, k] instead of [..., k, n]. */
  readonly transposeB?: boolean;
  /** The first dimension of `a` (or `b`) stands for the last but one: [m, ..., k] is read as [..., m, k] without a copy. */
  readonly rowsFirst?: { readonly a?: boolean; readonly b?: boolean };
}

/**
 * com.microsoft.FusedMatMul-1. a: [..., m, k] × b: [..., k, n] → [..., m, n], float32; leading dimensions broadcast. The operator's `alpha`
 * stays 1: any other number costs the fast kernel for m = 1 (37 against 23 µs at 512 past rows). An operand read rows first must not be
 * empty in its first dimension: ONNX Runtime 1.30 divides by it and the process dies.
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function matmul(a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transposeB = false, rowsFirst = {} } = options;
  requireDtype("FusedMatMul", a, "float32");
  requireDtype("FusedMatMul", b, "float32");
  // The kernel moves the first dimension only in operands of equal rank ≥ 3 (matmul_helper.h).
  if ((rowsFirst.a || rowsFirst.b) && (a.shape.length !== b.shape.length || a.shape.length < 3))
    throw new GraphError(
      "graph/shape-mismatch",
      `FusedMatMul: rows-first operands ${formatShape(a.shape)} and ${formatShape(b.shape)} differ in rank`,
      { hint: FOLLOW_SHAPES },
    );
  const left = rowsFirst.a ? moveFirst(a.shape) : a.shape;
  const right = rowsFirst.b ? moveFirst(b.shape) : b.shape;
  requireDim("FusedMatMul", `inner dimension of ${a.name} × ${b.name}`, dimAt(right, transposeB ? -1 : -2), dimAt(left, -1));
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2), `FusedMatMul of ${a.name} and ${b.name}`);
  const shape = [...batch, dimAt(left, -2), dimAt(right, transposeB ? -2 : -1)];
  return a.graph.node(
    "com.microsoft.FusedMatMul",
    [a, b],
    { dtype: "float32", shape },
    {
      transB: { int: Number(transposeB) },
      transBatchA: { int: Number(rowsFirst.a ?? false) },
      transBatchB: { int: Number(rowsFirst.b ?? false) },
    },
  );
}

/** Weights in blocks along a row, as MatMulNBits and GatherBlockQuantized take them. */
export interface BlockFormat {
  readonly bits: 4 | 8;
  /** Weights of one row that share a scale. */
  readonly block: number;
}

/** The three tensors of a matrix in blocks. */
export interface BlockMatrix {
  /** uint8 [rows, blocks, block·bits/8] for a product, [rows, columns·bits/8] for a gather. */
  readonly data: Value;
  /** float32 [rows, blocks]. */
  readonly scales: Value;
  /** uint8 [rows, ceil(blocks·bits/8)]; null: 2^(bits − 1) everywhere. */
  readonly zeroPoints: Value | null;
}

/** How the weights are packed, and how exact the sum is. */
export interface MatmulNBitsOptions extends BlockFormat {
  /** 0: float32 activations, the reference. 4: activations rounded to int8 per block, and fast. */
  readonly accuracyLevel: 0 | 4;
}

/**
 * com.microsoft.MatMulNBits-1. x: float32 [..., columns] × wᵀ, w of `shape` [rows, columns] → [..., rows].
 * @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function matmulNBits(x: Value, w: BlockMatrix, shape: readonly [rows: number, columns: number], options: MatmulNBitsOptions): Value {
  const [rows, columns] = shape;
  const { bits, block, accuracyLevel } = options;
  const blocks = Math.ceil(columns / block);
  requireDtype("MatMulNBits", x, "float32");
  requireDim("MatMulNBits", `last dimension of ${x.name}`, x.shape.at(-1), columns);
  requireShape("MatMulNBits", w.data, "uint8", [rows, blocks, (block * bits) / 8]);
  requireBlockScales("MatMulNBits", w, rows, blocks, bits);
  return x.graph.node(
    "com.microsoft.MatMulNBits",
    [x, w.data, w.scales, ...(w.zeroPoints === null ? [] : [w.zeroPoints])],
    { dtype: "float32", shape: [...x.shape.slice(0, -1), rows] },
    { K: { int: columns }, N: { int: rows }, bits: { int: bits }, block_size: { int: block }, accuracy_level: { int: accuracyLevel } },
  );
}

/** The scales and zero points of `w`, shared by the two operators. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function requireBlockScales(operator: string, w: BlockMatrix, rows: number, blocks: number, bits: number): void {
  requireShape(operator, w.scales, "float32", [rows, blocks]);
  if (w.zeroPoints !== null) requireShape(operator, w.zeroPoints, "uint8", [rows, Math.ceil((blocks * bits) / 8)]);
}

function requireShape(operator: string, value: Value, dtype: "uint8" | "float32", shape: Shape): void {
  requireDtype(operator, value, dtype);
  if (formatShape(value.shape) !== formatShape(shape))
    throw new GraphError(
      "graph/shape-mismatch",
      `${operator}: ${value.name} is ${formatShape(value.shape)}, expected ${formatShape(shape)}`,
      { hint: FOLLOW_SHAPES },
    );
}

/** [m, b…, k] → [b…, m, k]. */
function moveFirst(shape: Shape): Shape {
  return [...shape.slice(1, -1), dimAt(shape, 0), dimAt(shape, -1)];
}
