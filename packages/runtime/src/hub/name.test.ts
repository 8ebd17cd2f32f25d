import { join, resolve, sep } from "node:path";
import fc from "fast-check";
import { parseHubName } from "./name.ts";
import { unsafePart } from "./safe-path.ts";

test.each([
  ["hf:google/gemma-4-E2B-it", { repository: "google/gemma-4-E2B-it", file: null, revision: "main" }],
  ["hf:a/b@v1.0", { repository: "a/b", file: null, revision: "v1.0" }],
  ["hf:a/b@refs/pr/3", { repository: "a/b", file: null, revision: "refs/pr/3" }],
  ["hf:a/b/model-Q4_K_M.gguf", { repository: "a/b", file: "model-Q4_K_M.gguf", revision: "main" }],
  ["hf:a/b/Q4/model-00001-of-00002.gguf@main", { repository: "a/b", file: "Q4/model-00001-of-00002.gguf", revision: "main" }],
])("%s is understood", (text, parts) => {
  expect(parseHubName(text)).toMatchObject(parts);
});

test.each([
  "hf:",
  "hf:gpt2",
  "hf:/b",
  "hf:a/",
  "hf:../b",
  "hf:a/..",
  "hf:a--x/b",
  "hf:a/b--c",
  "hf:a/.b",
  "hf:a/b?x=1",
  "hf:a/b#c",
  "hf:a/b@",
  "hf:a/b@../../x",
  "hf:a/b@x y",
  "hf:a/b/model.bin",
  "hf:a/b/model.safetensors",
  "hf:a/b/../../x.gguf",
  "hf:a/b/C:/x.gguf",
  "hf:a/b/\\\\host\\x.gguf",
  "hf:a/b/x\0.gguf",
  "hf:a//x.gguf",
  "hf:a/b//x.gguf",
  "hf:https://huggingface.co/a/b",
  `hf:a/${"b".repeat(5000)}`,
  "a/b",
])("%j is refused with a hint", (text) => {
  expect(() => parseHubName(text)).toThrow(
    expect.objectContaining({ code: "hub/bad-name", hint: expect.stringContaining("hf:owner/name") }),
  );
});

const pieces = fc.constantFrom(
  "..",
  ".",
  "/",
  "\\",
  ":",
  "a",
  "C:",
  "con",
  "nul.gguf",
  " ",
  "\0",
  "%2e",
  "~",
  "x.gguf",
  "é",
  "\u202e",
  "aux",
  "-",
  "@",
);

test("what passes stays below any directory, on POSIX and on Windows", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces).map((parts) => parts.join("")),
        fc.string(),
      ),
      (path) => {
        if (unsafePart(path) !== null) return;
        const root = resolve("/some/root");
        expect(join(root, path).startsWith(root + sep)).toBe(true);
        expect(path).not.toMatch(/[\\:\0]|(^|\/)\.\.?(\/|$)|^\//);
      },
    ),
  );
});

test("any text is a name or hub/bad-name", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((parts) => `hf:${parts.join("")}`),
      ),
      (text) => {
        try {
          const { owner, name, file } = parseHubName(text);
          expect(`${owner}--${name}`).toMatch(/^[\w.-]+$/);
          expect(file === null || unsafePart(file) === null).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "hub/bad-name" });
        }
      },
    ),
  );
});
