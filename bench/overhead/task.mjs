/** The same for all: the input of the tool, the question, zod from the repository. */
import { createRequire } from "node:module";

export const require = createRequire(new URL("../../packages/agent/package.json", import.meta.url));
const { z } = require("zod");

export const input = z.object({ a: z.number(), b: z.number() });
export const TASK = "What is 1 + 2?";
