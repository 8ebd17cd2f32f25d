/** Questions to a graph: from where no end is reached, and where a way leads back to itself. In: a graph and the edges that count. */
import type { Edge, Graph, GraphNode } from "./explore.ts";

type Counts = (edge: Edge) => boolean;

/** The first node from which these edges lead to no end; what was not looked at may lead to one. */
export function stuckIn(graph: Graph, counts: Counts): GraphNode | undefined {
  const before = graph.nodes.map((): number[] => []);
  for (const { id, edges } of graph.nodes) for (const edge of edges) if (counts(edge)) before[edge.to]!.push(id);
  const queue = graph.nodes.filter(({ place, expanded }) => place.final || !expanded).map(({ id }) => id);
  const ending = new Set(queue);
  for (let i = 0; i < queue.length; i++)
    for (const id of before[queue[i]!]!) {
      if (ending.has(id)) continue;
      ending.add(id);
      queue.push(id);
    }
  return graph.nodes.find(({ id }) => !ending.has(id));
}

/** The shortest circle of these edges through the first node that lies on one, from there and back. */
export function circleIn(graph: Graph, counts: Counts): readonly { readonly from: number; readonly edge: Edge }[] | undefined {
  const inside = onCircles(graph, counts);
  const start = graph.nodes.find(({ id }) => inside.has(id));
  if (!start) return undefined;
  const ways = new Map<number, readonly { from: number; edge: Edge }[]>();
  const queue: { node: GraphNode; way: readonly { from: number; edge: Edge }[] }[] = [{ node: start, way: [] }];
  for (let i = 0; i < queue.length; i++) {
    const { node, way } = queue[i]!;
    for (const edge of node.edges) {
      if (!counts(edge) || !inside.has(edge.to)) continue;
      const longer = [...way, { from: node.id, edge }];
      if (edge.to === start.id) return longer;
      if (ways.has(edge.to)) continue;
      ways.set(edge.to, longer);
      queue.push({ node: graph.nodes[edge.to]!, way: longer });
    }
  }
  return undefined;
}

/** Nodes of strongly connected components with an edge inside (Tarjan, without recursion). */
function onCircles({ nodes }: Graph, counts: Counts): Set<number> {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const found = new Set<number>();
  const enter = (id: number): void => {
    index.set(id, index.size);
    low.set(id, index.get(id)!);
    stack.push(id);
    onStack.add(id);
  };
  const leave = (id: number): void => {
    if (low.get(id) !== index.get(id)) return;
    const members = stack.splice(stack.lastIndexOf(id));
    for (const member of members) onStack.delete(member);
    const loops = members.length > 1 || nodes[id]!.edges.some((edge) => edge.to === id && counts(edge));
    if (loops) for (const member of members) found.add(member);
  };
  for (const { id: root } of nodes) {
    if (index.has(root)) continue;
    const open = [{ id: root, next: 0 }];
    enter(root);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const edge = nodes[top.id]!.edges[top.next++];
      if (!edge) {
        leave(top.id);
        open.pop();
        const parent = open.at(-1);
        if (parent) low.set(parent.id, Math.min(low.get(parent.id)!, low.get(top.id)!));
      } else if (counts(edge)) {
        if (!index.has(edge.to)) {
          enter(edge.to);
          open.push({ id: edge.to, next: 0 });
        } else if (onStack.has(edge.to)) low.set(top.id, Math.min(low.get(top.id)!, index.get(edge.to)!));
      }
    }
  }
  return found;
}

/** The one that was found first: nodes are numbered in the order of their distance. */
export function nearest(a: GraphNode | undefined, b: GraphNode | undefined): GraphNode | undefined {
  return !a || !b ? (a ?? b) : a.id <= b.id ? a : b;
}
