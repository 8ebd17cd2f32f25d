/** Ops that work number by number; two operands broadcast as in NumPy. */
import { requireDim, requireDtype, requireRank } from "../checks.ts";
import type { Value } from "../graph.ts";
import { broadcastShapes } from "../shape.ts";

/** Add-14: a + b, float32 or int64. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function add(a: Value, b: Value): Value {
  return arithmetic("Add", a, b);
}

/** Mul-14: a · b, float32 or int64. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function mul(a: Value, b: Value): Value {
  return arithmetic("Mul", a, b);
}

/** Sub-14: a − b, float32 or int64. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function sub(a: Value, b: Value): Value {
  return arithmetic("Sub", a, b);
}

/** Div-14: a / b, float32 or int64. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function div(a: Value, b: Value): Value {
  return arithmetic("Div", a, b);
}

/** Greater-13: a > b as bool. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function greater(a: Value, b: Value): Value {
  requireDtype("Greater", a, "float32", "int64");
  requireDtype("Greater", b, a.dtype);
  return a.graph.node("Greater", [a, b], { dtype: "bool", shape: broadcastShapes(a.shape, b.shape, `${a.name} > ${b.name}`) });
}

/** Or-7 of two bools. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function or(a: Value, b: Value): Value {
  for (const value of [a, b]) requireDtype("Or", value, "bool");
  return a.graph.node("Or", [a, b], { dtype: "bool", shape: broadcastShapes(a.shape, b.shape, `${a.name} or ${b.name}`) });
}

/** Mod-13: the remainder of a / b, int64, b above 0. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function mod(a: Value, b: Value): Value {
  for (const value of [a, b]) requireDtype("Mod", value, "int64");
  return a.graph.node("Mod", [a, b], { dtype: "int64", shape: broadcastShapes(a.shape, b.shape, `${a.name} mod ${b.name}`) });
}

/** Where-16: a where the condition holds, else b. @throws GraphError `graph/dtype`, `graph/shape-mismatch` */
export function where(condition: Value, a: Value, b: Value): Value {
  requireDtype("Where", condition, "bool");
  requireDtype("Where", b, a.dtype);
  const hint = `${condition.name} ? ${a.name} : ${b.name}`;
  const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, hint), hint);
  return a.graph.node("Where", [condition, a, b], { dtype: a.dtype, shape });
}

/** Cast-21 to bool: x ≠ 0. @throws GraphError `graph/dtype` */
export function isNonZero(x: Value): Value {
  requireDtype("Cast", x, "float32", "int64");
  return x.graph.node("Cast", [x], { dtype: "bool", shape: x.shape }, { to: { int: 9 } });
}

/** Cast-21 to float32. @throws GraphError `graph/dtype` */
export function toFloat(x: Value): Value {
  requireDtype("Cast", x, "int64", "float16");
  return x.graph.node("Cast", [x], { dtype: "float32", shape: x.shape }, { to: { int: 1 } });
}

/**
 * DequantizeLinear-21: int8 x [rows, …] times the scale of its row, float32 [rows]. Of scales for blocks of a row the operator knows, too,
 * but takes twice as long (onnxruntime 1.30). @throws GraphError `graph/dtype`, `graph/shape-mismatch`
 */
export function dequantize(x: Value, scales: Value): Value {
  requireDtype("DequantizeLinear", x, "int8");
  requireDtype("DequantizeLinear", scales, "float32");
  requireRank("DequantizeLinear", scales, 1);
  requireDim("DequantizeLinear", `number of scales in ${scales.name}`, scales.shape[0], x.shape[0]);
  return x.graph.node("DequantizeLinear", [x, scales], { dtype: "float32", shape: x.shape }, { axis: { int: 0 } });
}

/** Cast-21 to float16, rounded to the nearest. @throws GraphError `graph/dtype` */
export function toHalf(x: Value): Value {
  requireDtype("Cast", x, "float32");
  return x.graph.node("Cast", [x], { dtype: "float16", shape: x.shape }, { to: { int: 10 } });
}

/** Cos-7. @throws GraphError `graph/dtype` */
export function cos(x: Value): Value {
  return unary("Cos", x);
}

/** Sin-7. @throws GraphError `graph/dtype` */
export function sin(x: Value): Value {
  return unary("Sin", x);
}

/** Abs-13. @throws GraphError `graph/dtype` */
export function abs(x: Value): Value {
  return unary("Abs", x);
}

/** Round-11: to the nearest whole number, halves to the even one. @throws GraphError `graph/dtype` */
export function round(x: Value): Value {
  return unary("Round", x);
}

/** Tanh-13. @throws GraphError `graph/dtype` */
export function tanh(x: Value): Value {
  return unary("Tanh", x);
}

/** Gelu-20 with the tanh approximation: x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))). @throws GraphError `graph/dtype` */
export function geluTanh(x: Value): Value {
  requireDtype("Gelu", x, "float32");
  return x.graph.node("Gelu", [x], x, { approximate: { text: "tanh" } });
}

/** com.microsoft.QuickGelu-1 with alpha 1: x · sigmoid(x), which is SiLU in one node. @throws GraphError `graph/dtype` */
export function silu(x: Value): Value {
  requireDtype("QuickGelu", x, "float32");
  return x.graph.node("com.microsoft.QuickGelu", [x], x, { alpha: { float: 1 } });
}

function unary(operator: string, x: Value): Value {
  requireDtype(operator, x, "float32");
  return x.graph.node(operator, [x], x);
}

function arithmetic(operator: string, a: Value, b: Value): Value {
  requireDtype(operator, a, "float32", "int64");
  requireDtype(operator, b, a.dtype);
  return a.graph.node(operator, [a, b], {
    dtype: a.dtype,
    shape: broadcastShapes(a.shape, b.shape, `${operator} of ${a.name} and ${b.name}`),
  });
}
