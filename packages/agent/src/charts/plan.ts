/**
 * Plan, do, review. In: tools. Out: a chart whose model first writes a plan under a schema, then works step by step, each step with the
 * tools that the plan gives it and no others, then looks back: answer, or plan anew.
 *
 *     planning ──write_plan──▶ working ──step_done──▶ next ──more──▶ working
 *                                                     next ────────▶ reviewing ──answer──▶ answered
 *                                                                    reviewing ──plan_again──▶ planning
 */
import type { Json, JsonObject } from "@orrery/chat";
import { agentChart, type AgentChart, type ChartOptions } from "../chart.ts";
import { phase } from "../machines/phase.ts";
import type { MoveContext } from "../tool.ts";

export interface PlanOptions extends Pick<ChartOptions, "tools" | "limits" | "approval"> {
  /** Steps of a plan at most. Default 5. */
  readonly planSteps?: number;
  /** Decisions within one step that may call tools. Default 4. */
  readonly stepDecisions?: number;
  /** How often a plan may be thrown away. Default 1. */
  readonly replans?: number;
}

/** A step as the model wrote it. */
interface PlanStep {
  readonly goal: string;
  readonly tools: readonly string[];
}

/** A goal is a sentence. */
const MAX_GOAL = 200;

/** @throws AgentError as {@link agentChart} */
export function planChart({ tools, limits = {}, approval, planSteps = 5, stepDecisions = 4, replans = 1 }: PlanOptions): AgentChart {
  const names = tools.map(({ name }) => name);
  return agentChart({
    tools,
    // Two moves of each plan belong to the plan itself, one of each step to its end.
    limits: { steps: (replans + 1) * (planSteps * (stepDecisions + 1) + 2), ...limits },
    ...(approval === undefined ? {} : { approval }),
    facts: {
      initial: { plan: [], at: 0, plans: 0 },
      learn: {
        write_plan: (facts, { input }) => ({ plan: input["steps"] as Json, at: 0, plans: Number(facts["plans"]) + 1 }),
        step_done: (facts) => ({ ...facts, at: Number(facts["at"]) + 1 }),
      },
    },
    guards: { more: ({ facts }) => Number(facts["at"]) < planOf({ facts }).length },
    states: {
      planning: phase({
        instructions: "Write a plan: a few steps, and for each the tools that it needs.",
        exits: {
          write_plan: {
            target: "working",
            description: "Write down the plan.",
            input: {
              type: "object",
              properties: {
                steps: {
                  type: "array",
                  minItems: 1,
                  maxItems: planSteps,
                  items: {
                    type: "object",
                    properties: {
                      goal: { type: "string", minLength: 1, maxLength: MAX_GOAL },
                      tools: { type: "array", items: { enum: names }, maxItems: names.length },
                    },
                    required: ["goal", "tools"],
                    additionalProperties: false,
                  },
                },
              },
              required: ["steps"],
              additionalProperties: false,
            },
          },
        },
      }),
      working: phase({
        instructions: (context) => {
          const plan = planOf(context);
          const at = Number(context.facts["at"]);
          return `Step ${at + 1} of ${plan.length}: ${plan[at]?.goal ?? ""}`;
        },
        tools: names,
        when: Object.fromEntries(names.map((name) => [name, (context: MoveContext) => stepOf(context)?.tools.includes(name) === true])),
        exits: { step_done: { target: "next", description: "This step is done." } },
        limits: { steps: stepDecisions },
      }),
      next: { always: [{ guard: "more", target: "working" }, { target: "reviewing" }] },
      reviewing: phase({
        instructions: "All steps are done. Answer, or plan again if something is missing.",
        exits: {
          plan_again: {
            target: "planning",
            description: "Something is missing: write another plan.",
            when: ({ facts }) => Number(facts["plans"]) <= replans,
          },
        },
        answer: true,
      }),
    },
  });
}

function planOf({ facts }: { readonly facts: JsonObject }): readonly PlanStep[] {
  return facts["plan"] as unknown as readonly PlanStep[];
}

function stepOf({ facts }: MoveContext): PlanStep | undefined {
  return planOf({ facts })[Number(facts["at"])];
}
