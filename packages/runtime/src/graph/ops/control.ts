/** Control flow: a branch runs only when it is chosen. */
import { GraphError } from "../../errors.ts";
import { requireDtype } from "../checks.ts";
import type { Graph, Value, ValueType } from "../graph.ts";

/** What a branch computes: nodes in `branch`, from its own weights and from outer values it captures. The result is of `branch`. */
export type Branch = (branch: Graph) => Value;

/**
 * If-21: the value of one of two branches, by a bool of one element. Where the shapes of the two differ, the result has the symbol
 * `rows`. @throws GraphError `graph/dtype`, `graph/shape-mismatch`, `graph/output`
 */
export function ifElse(condition: Value, rows: string, whenTrue: Branch, whenFalse: Branch): Value {
  requireDtype("If", condition, "bool");
  const graph = condition.graph;
  const [chosen, otherwise] = [build(graph, "then", whenTrue), build(graph, "else", whenFalse)];
  const [a, b] = [chosen.value, otherwise.value];
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length)
    throw new GraphError(
      "graph/shape-mismatch",
      `If: the branches give ${a.dtype} of rank ${a.shape.length} and ${b.dtype} of rank ${b.shape.length}`,
      { hint: "let both branches give the same number type and rank" },
    );
  const type: ValueType = { dtype: a.dtype, shape: a.shape.map((dim, index) => (dim === b.shape[index] ? dim : rows)) };
  return graph.node("If", [condition], type, { then_branch: { graph: chosen.branch }, else_branch: { graph: otherwise.branch } });
}

function build(graph: Graph, name: string, body: Branch): { branch: Graph; value: Value } {
  const branch = graph.branch(name);
  const value = body(branch);
  branch.output(`${value.name}.result`, value);
  return { branch, value };
}
