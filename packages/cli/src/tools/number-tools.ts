/** Tools for numbers: exact arithmetic, units of measure, statistics of a list. */
import { tool } from "@orrery/agent";
import { z } from "zod";
import type { BuiltinTool } from "./builtin-tool.ts";
import { evaluate, WRITTEN } from "./expression.ts";
import { toJson } from "./rational.ts";
import { OPERATIONS, statistic } from "./statistics.ts";
import { convertUnit } from "./units.ts";

const calculator = tool({
  name: "calculator",
  description: "Exact arithmetic with the four operations, percent and parentheses.",
  input: z.object({ expression: z.string().regex(WRITTEN).describe("Expression to evaluate") }),
  run: ({ expression }) => ({ result: toJson(evaluate(expression)) }),
});

const convertUnits = tool({
  name: "convert_units",
  description: "Length, weight, volume and time conversion (not money).",
  input: z.object({
    value: z.number().describe("Value to convert"),
    from_unit: z.string().min(1).describe("Unit of the value, e.g. miles"),
    to_unit: z.string().min(1).describe("Wanted unit"),
  }),
  run: ({ value, from_unit, to_unit }) => ({ value: shortened(convertUnit(value, from_unit, to_unit)), unit: to_unit }),
});

const stats = tool({
  name: "stats",
  description: "Statistic of a list of numbers.",
  input: z.object({ values: z.array(z.number()).min(1), operation: z.enum(OPERATIONS).describe("Which statistic") }),
  run: ({ values, operation }) => ({ result: statistic(values, operation) }),
});

/** Four decimals from 1 on, else four significant digits: what people say, and few tokens. */
function shortened(value: number): number {
  return Math.abs(value) >= 1 ? Number(value.toFixed(4)) : Number(value.toPrecision(4));
}

export const numberTools: readonly BuiltinTool[] = [
  {
    tool: calculator,
    keywords:
      "@arithmetic @percent @amount calculate compute math maths sum plus minus multiply multiplied divide divided add subtract product percent percentage squared root power evaluate cost",
  },
  {
    tool: convertUnits,
    keywords:
      "@unit convert conversion unit kilometers kilometres miles feet foot inches meters metres centimeters yards pounds kilograms kilos grams ounces liters litres gallons cups pints celsius fahrenheit degrees temperature mph kmh kilobytes megabytes gigabytes acres hectares",
  },
  {
    tool: stats,
    keywords:
      "@list mean average median minimum maximum smallest largest highest lowest deviation standard statistic statistics values numbers list",
  },
];
