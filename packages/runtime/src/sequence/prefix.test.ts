import fc from "fast-check";
import { commonPrefix } from "./prefix.ts";

test("the common prefix is equal in both, and the next tokens differ or one run ends", () => {
  const tokens = fc.array(fc.nat(2));
  fc.assert(
    fc.property(tokens, tokens, (a, b) => {
      const length = commonPrefix(a, b);
      expect(a.slice(0, length)).toEqual(b.slice(0, length));
      expect(length === Math.min(a.length, b.length) || a[length] !== b[length]).toBe(true);
      expect(commonPrefix(b, a)).toBe(length);
    }),
  );
});
