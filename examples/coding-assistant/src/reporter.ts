/**
 * A reporter for `node --test`, loaded by the child process. In: the runner's events. Out: one line of JSON for each test, behind a mark
 * that tells it from what the tests print themselves.
 */
import { inspect } from "node:util";

export const MARK = "\u0001orrery\u0001";

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly details?: { readonly type?: string; readonly error?: { readonly message?: string; readonly cause?: unknown } };
  };
}

/** What is known of a test that ran. */
export interface TestLine {
  readonly passed: boolean;
  readonly name: string;
  readonly file: string;
  readonly expected?: string;
  readonly actual?: string;
  readonly error?: string;
}

/** Values are shown as code would write them, on one line. */
const shown = (value: unknown): string => inspect(value, { breakLength: Infinity, depth: 3, maxArrayLength: 20, maxStringLength: 120 });

// oxlint-disable-next-line import/no-default-export -- where `node --test` looks for a reporter
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    const line: TestLine = { passed: type === "test:pass", name: data.name ?? "", file: data.file ?? "", ...problem(data.details?.error) };
    yield `${MARK}${JSON.stringify(line)}\n`;
  }
}

function problem(error: NonNullable<TestEvent["data"]["details"]>["error"]): Pick<TestLine, "expected" | "actual" | "error"> {
  if (error === undefined) return {};
  const cause = error.cause;
  if (typeof cause !== "object" || cause === null) return { error: String(error.message ?? cause) };
  const { code, expected, actual, message, name } = cause as Record<string, unknown>;
  if (code === "ERR_ASSERTION" && expected !== undefined && !(expected instanceof RegExp))
    return { expected: shown(expected), actual: shown(actual) };
  return { error: `${String(name ?? "Error")}: ${String(message ?? "").split("\n")[0]}` };
}
