import { availableParallelism } from "node:os";
import { defaultThreads, physicalCores } from "./processors.ts";

const processor = (socket: number, core: number) => `processor\t: 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\nflags\t\t: fpu`;

test("two threads of one core count once, equal cores of two sockets twice", () => {
  expect(physicalCores([processor(0, 0), processor(0, 0), processor(0, 1), processor(1, 0)].join("\n\n"))).toBe(3);
});

test("a list without core numbers tells nothing", () => {
  expect(physicalCores("processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\n")).toBeNull();
});

test("the default is between one thread and what the process may use", () => {
  expect(defaultThreads()).toBeGreaterThanOrEqual(1);
  expect(defaultThreads()).toBeLessThanOrEqual(Math.min(8, availableParallelism()));
});
