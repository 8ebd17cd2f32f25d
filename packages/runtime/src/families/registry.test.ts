import { graniteMoe } from "./granite-moe.ts";
import { familyOf } from "./registry.ts";

test("a family is found by its name", () => {
  expect(familyOf("granite-moe")).toBe(graniteMoe);
});

test("an unknown family is refused with those there are", () => {
  expect(() => familyOf("toString")).toThrow(
    expect.objectContaining({ code: "graph/unknown-family", message: expect.stringMatching(/toString; there are: .*granite-moe/) }),
  );
});
