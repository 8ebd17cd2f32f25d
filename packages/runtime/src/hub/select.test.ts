import { parseHubName } from "./name.ts";
import type { HubFile } from "./repository.ts";
import { selectFiles } from "./select.ts";

function chosen(paths: readonly string[], name = "hf:a/b"): { files: string[]; open: string | null } {
  const all = paths.map((path): HubFile => ({ path, bytes: 1, hash: { algorithm: "git-sha1", value: "0".repeat(40) } }));
  const { files, open } = selectFiles(all, parseHubName(name));
  return { files: files.map(({ path }) => path), open };
}

test("safetensors with their texts; nothing else", () => {
  const texts = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
  const other = ["README.json", "onnx/model.safetensors", "adapter_config.json", "preprocessor_config.json"];
  expect(chosen([...texts, ...other, "model.safetensors"])).toEqual({ files: [...texts, "model.safetensors"], open: null });
});

test("shards with their index, and not a second copy of the weights", () => {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const index = "model.safetensors.index.json";
  expect(chosen(["config.json", index, ...shards, "consolidated.safetensors"]).files).toEqual(["config.json", index, ...shards]);
  expect(chosen(["config.json", "model.safetensors", "consolidated.safetensors"]).files).toEqual(["config.json", "model.safetensors"]);
});

test("the only .gguf, without what is no model, and the parts of a split one together", () => {
  expect(chosen(["m.gguf", "mmproj-m.gguf", "imatrix.gguf", "config.json"])).toEqual({ files: ["m.gguf"], open: "m.gguf" });
  const parts = ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"];
  expect(chosen([...parts].reverse())).toEqual({ files: parts, open: parts[0] });
  expect(chosen(["Q4/x.gguf", "Q8/x.gguf", ...parts.map((part) => `Q2/${part}`)], `hf:a/b/Q2/${parts[1]}`)).toEqual({
    files: parts.map((part) => `Q2/${part}`),
    open: `Q2/${parts[0]}`,
  });
});

test("a name that only looks like a part is a file of its own", () => {
  for (const odd of ["m-00005-of-00003.gguf", "m-00000-of-00003.gguf"]) {
    expect(chosen([odd])).toEqual({ files: [odd], open: odd });
    expect(chosen([odd, "x.gguf"], `hf:a/b/${odd}`)).toEqual({ files: [odd], open: odd });
  }
});

test("weights in several files without their index are said to be that", () => {
  expect(() => chosen(["config.json", "a.safetensors", "b.safetensors"])).toThrow(
    "has 2 safetensors files, but no model.safetensors.index.json",
  );
});

test("a .gguf in the root goes before those in folders; safetensors before both", () => {
  expect(chosen(["Q4/x.gguf", "y.gguf"]).open).toBe("y.gguf");
  expect(chosen(["config.json", "model.safetensors", "y.gguf"]).open).toBeNull();
});

test.each([
  [["a-Q4.gguf", "a-Q8.gguf"], "hf:a/b", "hub/ambiguous-model", "hf:a/b/a-Q4.gguf"],
  [["pytorch_model.bin.json"], "hf:a/b", "hub/no-model", "choose a repository"],
  [["model.safetensors", "x.gguf"], "hf:a/b", "hub/no-model", "hf:a/b/x.gguf"],
  [["config.json", "a.safetensors", "b.safetensors"], "hf:a/b", "hub/no-model", "choose a repository"],
  [[], "hf:a/b", "hub/no-model", "choose a repository"],
  [["x.gguf"], "hf:a/b/y.gguf", "hub/not-found", "there are x.gguf"],
  [["m-00001-of-00002.gguf"], "hf:a/b/m-00001-of-00002.gguf", "hub/not-found", "m-00001-of-00002.gguf"],
  [["m-00001-of-99999.gguf"], "hf:a/b/m-00001-of-99999.gguf", "hub/no-model", "choose"],
])("%j as %s: %s", (paths, name, code, hint) => {
  expect(() => chosen(paths, name)).toThrow(expect.objectContaining({ code, hint: expect.stringContaining(hint) }));
});
