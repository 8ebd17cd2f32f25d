/**
 * The states of a chart, walked as a pure function. In: a machine and the events to feed it with. Out: dotted paths. Law: nothing is
 * executed; a walk that would never end gives up.
 */
import {
  getInitialMicrosteps,
  getMicrosteps,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
  type StateValue,
} from "xstate";

/** Snapshots looked at before the walk gives up: a chart whose context never repeats would go on for ever. */
const MAX_SNAPSHOTS = 5_000;

/**
 * Every state that `machine` passes through when fed with `events` in all orders, transient states included, as dotted paths.
 * Nothing is executed. Compare with {@link allStates}.
 */
export function statesReached<M extends AnyStateMachine>(
  machine: M,
  input: InputFrom<M>,
  events: (snapshot: SnapshotFrom<M>) => readonly EventFromLogic<M>[],
): string[] {
  const seen = new Set<string>();
  const known = new Set<string>();
  const [...first] = getInitialMicrosteps(machine, input as never);
  const queue = visit(first, seen, known);
  for (let n = 0; queue.length > 0 && n < MAX_SNAPSHOTS; n++) {
    const snapshot = queue.shift()!;
    for (const event of events(snapshot)) queue.push(...visit(getMicrosteps(machine, snapshot, event), seen, known));
  }
  return [...seen].sort();
}

/** Notes the states of some microsteps; gives the last snapshot back if it is new. */
function visit<S extends { value: StateValue; context: unknown; status: string }>(
  steps: readonly (readonly [S, unknown])[],
  seen: Set<string>,
  known: Set<string>,
): S[] {
  for (const [{ value }] of steps) for (const path of pathsOf(value)) seen.add(path);
  const last = steps.at(-1)?.[0];
  if (!last || last.status !== "active") return [];
  const key = JSON.stringify([last.value, last.context]);
  if (known.has(key)) return [];
  known.add(key);
  return [last];
}

/** All states of a machine, as dotted paths. */
export function allStates(machine: AnyStateMachine): string[] {
  const below = (node: AnyStateMachine["root"]): string[] =>
    Object.values(node.states).flatMap((state: AnyStateMachine["root"]) => [state.path.join("."), ...below(state)]);
  return below(machine.root).sort();
}

function pathsOf(value: StateValue | undefined): string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...pathsOf(inner).map((path) => `${name}.${path}`)]);
}
