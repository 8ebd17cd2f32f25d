/**
 * Runs a repository's tests. In: its folder. Out: how many passed and failed, and what the first failures say. Law: the tests are code
 * of the repository and run in a child process without a shell, that may read below the folder and nothing else, write nothing, start
 * nothing; it is killed when its time is up, and what it prints is bounded.
 */
import { OrreryError } from "@orrery/chat";
import { spawn } from "node:child_process";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { MARK, type TestLine } from "./reporter.ts";

export type Failure = {
  readonly test: string;
  readonly file: string;
  readonly expected?: string;
  readonly actual?: string;
  readonly error?: string;
};

export type TestResult = {
  readonly passed: number;
  readonly failed: number;
  /** The first of those that failed. */
  readonly failures: readonly Failure[];
};

export interface TestOptions {
  readonly signal?: AbortSignal;
  /** Default 20,000. */
  readonly timeoutMs?: number;
}

/** Failures that are told: more do not help a small model, and one cause often breaks many tests. */
const MAX_FAILURES = 2;
/** Characters kept of what the child prints. */
const MAX_OUTPUT = 1_000_000;
/** Characters of one value or message that are told. */
const MAX_TEXT = 160;

/** @throws OrreryError `coder/tests-timeout`, `coder/no-tests` */
export async function runTests(root: string, { signal, timeoutMs = 20_000 }: TestOptions = {}): Promise<TestResult> {
  const { output, ended } = await outputOf(root, signal, timeoutMs);
  if (ended === "timeout")
    throw new OrreryError("coder/tests-timeout", `the tests did not end within ${timeoutMs} ms`, {
      hint: "look for a loop that does not end",
    });
  signal?.throwIfAborted();
  const lines = output.split("\n").flatMap((line) => testLine(line, root));
  if (lines.length === 0)
    throw new OrreryError("coder/no-tests", "no test ran", { hint: "`node --test` must find tests in the repository" });
  const failed = lines.filter(({ passed }) => !passed);
  return { passed: lines.length - failed.length, failed: failed.length, failures: failed.slice(0, MAX_FAILURES).map(failureOf) };
}

/** Node's own permissions confine the child; one process for all test files, since it may start none. */
function outputOf(
  root: string,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<{ output: string; ended: "exit" | "timeout" }> {
  const reporter = fileURLToPath(new URL("./reporter.js", import.meta.url));
  const args = [
    "--permission",
    `--allow-fs-read=${root}`,
    `--allow-fs-read=${reporter}`,
    "--test",
    "--experimental-test-isolation=none",
    `--test-reporter=${new URL("./reporter.js", import.meta.url).href}`,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" }, // no secrets of the person who runs it
      stdio: ["ignore", "pipe", "ignore"],
      ...(signal ? { signal } : {}),
      killSignal: "SIGKILL",
    });
    let output = "";
    let ended: "exit" | "timeout" = "exit";
    const timer = setTimeout(() => {
      ended = "timeout";
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < MAX_OUTPUT) output += text.slice(0, MAX_OUTPUT - output.length);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve({ output, ended });
    });
  });
}

function testLine(line: string, root: string): TestLine[] {
  const at = line.indexOf(MARK);
  if (at < 0) return [];
  try {
    const found = JSON.parse(line.slice(at + MARK.length)) as TestLine;
    return [{ ...found, file: relative(root, found.file).split(sep).join("/") }];
  } catch {
    return []; // cut at the limit
  }
}

function failureOf({ name, file, expected, actual, error }: TestLine): Failure {
  const short = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
  return {
    test: short(name),
    file,
    ...(expected === undefined ? {} : { expected: short(expected) }),
    ...(actual === undefined ? {} : { actual: short(actual) }),
    ...(error === undefined ? {} : { error: short(error) }),
  };
}
