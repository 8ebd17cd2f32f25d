/** Sets of numbers: what the rest of the engine uses of this folder. */
export { has, isEmpty, listed, some } from "./members.ts";
export {
  atLeast,
  atMost,
  complement,
  EVERY_NUMBER,
  INTEGERS,
  intersection,
  multipleOf,
  NO_NUMBER,
  numbers,
  union,
  type NumberSet,
} from "./number-set.ts";
