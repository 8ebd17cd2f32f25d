/**
 * The seed of property tests: the same in every run, so that a change is judged by what it changed. `PROPERTY_SEED=random` (or a
 * number) looks elsewhere: `npm run properties` does, and prints the seed of what it finds.
 */
import fc from "fast-check";

const wanted = process.env.PROPERTY_SEED ?? "20260101";
if (wanted !== "random") fc.configureGlobal({ seed: Number.parseInt(wanted, 10) });
