/** What is asked for: a parcel, as a JSON Schema. */
export const PARCEL = {
  type: "object",
  properties: {
    recipient: { type: "string", pattern: "^[A-Z][a-z]+( [A-Z][a-z]+)*$", maxLength: 30 },
    priority: { enum: ["low", "normal", "high"] },
    weight: { type: "number", exclusiveMinimum: 0, multipleOf: 0.5, maximum: 30 },
    ship_on: { type: "string", format: "date" },
    labels: { type: "array", items: { enum: ["fragile", "heavy", "gift"] }, uniqueItems: true },
  },
  required: ["recipient", "priority", "weight", "ship_on", "labels"],
  additionalProperties: false,
} as const;
