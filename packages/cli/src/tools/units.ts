/**
 * Unit conversion. In: a value and two unit names as people write them ("feet", "°F", "km/h", "miles per hour"). Out: the value in
 * the other unit. The factors are those of the `convert` package; a speed is a length over a time.
 */
import { convert, getMeasureKind, type Unit } from "convert";
import { ToolError } from "./tool-error.ts";

/** Longer than any unit's name. */
const MAX_UNIT_LENGTH = 40;

/** Spellings that the package does not have, in lower case. */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "celsius degrees": "celsius",
    centigrade: "celsius",
    degc: "celsius",
    degf: "fahrenheit",
    f: "fahrenheit",
    k: "kelvin",
    km: "km",
    kilo: "kg",
    kilos: "kg",
    kgs: "kg",
    ton: "metric ton",
    tons: "metric tons",
    "us gallon": "gallon",
    "us gallons": "gallons",
    "fluid ounce": "fl oz",
    "fluid ounces": "fl oz",
    sqft: "square feet",
    "sq ft": "square feet",
    sqm: "square meters",
    "sq m": "square meters",
    "sq km": "square kilometers",
    sec: "second",
    secs: "seconds",
    mins: "minutes",
    hr: "hour",
    hrs: "hours",
    yr: "year",
    yrs: "years",
    mph: "miles/hour",
    kph: "km/hour",
    kmh: "km/hour",
    kmph: "km/hour",
    knot: "nautical miles/hour",
    knots: "nautical miles/hour",
    kn: "nautical miles/hour",
    kt: "nautical miles/hour",
    fps: "feet/second",
    mps: "m/second",
    cal: "calorie",
    kcal: "kilocalorie",
  }),
);

/** Joules, which the package has, of the units of energy that it has not (thermochemical calorie). */
const JOULES: ReadonlyMap<string, number> = new Map([
  ["calorie", 4.184],
  ["calories", 4.184],
  ["kilocalorie", 4184],
  ["kilocalories", 4184],
]);

/** A plain unit of the package, a length over a time, or an energy of {@link JOULES}. */
type Measure =
  | { readonly kind: "plain"; readonly unit: Unit }
  | { readonly kind: "speed"; readonly length: Unit; readonly time: Unit }
  | { readonly kind: "energy"; readonly joules: number };

/** `value` of `from` in `to`, to 12 significant digits. @throws ToolError `tool/unknown-unit`, `tool/unit-mismatch` */
export function convertUnit(value: number, from: string, to: string): number {
  const source = parseUnit(from);
  const target = parseUnit(to);
  const result = between(value, source, target);
  if (result === undefined) throw new ToolError("tool/unit-mismatch", `cannot convert ${from} to ${to}`);
  return Number(result.toPrecision(12));
}

function between(value: number, from: Measure, to: Measure): number | undefined {
  if (from.kind === "speed" && to.kind === "speed") {
    const metres = toUnit(toUnit(value, from.length, "meters") ?? Number.NaN, "meters", to.length);
    const time = toUnit(1, from.time, to.time);
    return metres === undefined || time === undefined ? undefined : metres / time;
  }
  if (from.kind === "speed" || to.kind === "speed") return undefined;
  if (from.kind === "plain" && to.kind === "plain") return toUnit(value, from.unit, to.unit);
  const joules = from.kind === "energy" ? value * from.joules : toUnit(value, from.unit, "joules");
  if (joules === undefined) return undefined;
  return to.kind === "energy" ? joules / to.joules : toUnit(joules, "joules", to.unit);
}

function toUnit(value: number, from: Unit, to: Unit): number | undefined {
  if (getMeasureKind(from) !== getMeasureKind(to)) return undefined;
  // The package's types demand the same measure of both literals; that was just checked on the values.
  return (convert as (quantity: number, unit: Unit) => { to(unit: Unit): number })(value, from).to(to);
}

function parseUnit(text: string): Measure {
  const written = text.trim().replace(/\s+/g, " ");
  if (written.length > MAX_UNIT_LENGTH) throw unknown(text);
  const name = ALIASES.get(written.toLowerCase()) ?? written;
  const joules = JOULES.get(name.toLowerCase());
  if (joules !== undefined) return { kind: "energy", joules };
  const [length, time, ...rest] = name.split(/\s*\/\s*|\s+per\s+/i);
  if (time === undefined) {
    const unit = findUnit(name);
    if (unit === undefined) throw unknown(text);
    return { kind: "plain", unit };
  }
  const [lengthUnit, timeUnit] = [findUnit(length ?? ""), findUnit(time)];
  if (rest.length > 0 || lengthUnit === undefined || timeUnit === undefined) throw unknown(text);
  if (getMeasureKind(lengthUnit) !== getMeasureKind("meters") || getMeasureKind(timeUnit) !== getMeasureKind("seconds"))
    throw unknown(text);
  return { kind: "speed", length: lengthUnit, time: timeUnit };
}

/** The package's unit of that name: as written (MB and Mb differ), in lower case, as a word without "degrees", or as the singular. */
function findUnit(name: string): Unit | undefined {
  const lower = name.toLowerCase();
  const spellings = [
    name,
    lower,
    lower.replace(/^(degrees?|deg|°)\s*/, ""),
    lower.replace(/\bsq\.?\s/, "square ").replace(/\bcu\.?\s/, "cubic "),
    lower.replace(/s$/, ""),
  ];
  for (const spelling of spellings) {
    const aliased = ALIASES.get(spelling) ?? spelling;
    if (isUnit(spelling)) return spelling;
    if (isUnit(aliased)) return aliased;
  }
  return undefined;
}

function isUnit(name: string): name is Unit {
  return typeof getMeasureKind(name as Unit) === "number";
}

function unknown(text: string): ToolError {
  return new ToolError("tool/unknown-unit", `unknown unit: ${text.slice(0, MAX_UNIT_LENGTH)}`);
}
