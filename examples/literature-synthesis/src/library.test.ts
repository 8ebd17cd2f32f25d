import { execFileSync } from "node:child_process";
import { readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { abstractFile, testFolder, type TestFolder } from "./folder.test.support.ts";
import { Library } from "./library.ts";
import { OWN_ABSTRACTS } from "./folder.ts";

const trees = abstractFile("Street trees", "Street trees cooled the air by two degrees.");
const bees = abstractFile("Bee hotels", "Bee hotels were occupied by mason bees.");
let here: TestFolder;
beforeEach(async () => {
  here = await testFolder({ "T1.txt": trees, "B1.txt": bees });
});
afterEach(() => here.remove());

const ids = (library: Library, query: string): string[] => library.search(query, 9).map(({ id }) => id);
async function opened<T>(look: (library: Library) => T): Promise<T> {
  const library = await Library.open(here);
  try {
    return look(library);
  } finally {
    library.close();
  }
}

test("words are found in their other forms, the best abstract first", async () => {
  await here.write("T2.txt", abstractFile("Roofs", "One street had a tree; the roofs were white."));
  expect(await opened((library) => ids(library, "the cooling of a street by trees"))).toEqual(["T1", "T2"]);
  await here.write("T3.txt", abstractFile("Trees, trees, trees", "Trees and trees."));
  expect(await opened((library) => ids(library, "trees")[0])).toBe("T3");
  expect(await opened((library) => library.search("trees", 2, "Do trees cool the air?"))).toMatchObject([{ id: "T1" }, { id: "T3" }]);
  expect(await opened((library) => library.read("B1"))).toEqual({
    id: "B1",
    title: "Bee hotels",
    authors: ["Ann Example", "Bo Sample"],
    year: 2020,
    text: "Bee hotels were occupied by mason bees.",
  });
});

test("an index is used again until a file changes, comes or goes", async () => {
  const state = () => opened((library) => [library.built, library.size, ids(library, "wasps")]);
  expect([await state(), await state()]).toEqual([
    [true, 2, []],
    [false, 2, []],
  ]);
  await here.write("B1.txt", bees.replaceAll("mason", "wasps"));
  expect([await state(), await state()]).toEqual([
    [true, 2, ["B1"]],
    [false, 2, ["B1"]],
  ]);
  await here.write("B2.txt", bees);
  expect(await state()).toEqual([true, 3, ["B1"]]);
  await rm(join(here.folder, "B1.txt"));
  expect(await state()).toEqual([true, 2, []]);
  await rename(join(here.folder, "B2.txt"), join(here.folder, "B3.txt"));
  expect(await state()).toEqual([true, 2, []]);
});

test("an index is whole or not there: nothing is left beside it, and what is broken is built anew", async () => {
  await opened(() => 0);
  const [file, ...others] = await readdir(here.indexes);
  expect(others).toEqual([]);
  const whole = await readFile(join(here.indexes, file!));
  for (const broken of [Buffer.from("not a database"), whole.subarray(0, whole.length / 2), Buffer.alloc(0)]) {
    await writeFile(join(here.indexes, file!), broken);
    expect(await opened((library) => [library.built, ids(library, "bees")])).toEqual([true, ["B1"]]);
  }
  expect(await readdir(here.indexes)).toEqual([file]);
});

test("a library that is open keeps what it has read while another one is built", async () => {
  const old = await Library.open(here);
  await here.write("B1.txt", bees.replaceAll("mason", "sweat"));
  const all = await Promise.all([Library.open(here), Library.open(here), Library.open(here)]);
  expect([old, ...all].map((library) => library.read("B1").text.includes("sweat"))).toEqual([false, true, true, true]);
  for (const library of [old, ...all]) library.close();
});

test("files with hostile names, kinds, sizes and contents are left out, each with its reason", async () => {
  const long = `${"x".repeat(41)}.txt`;
  const files: [string, string | Uint8Array][] = [
    ["a b.txt", trees],
    ["__proto__.txt", trees],
    ["evil\u001b[31m.txt", trees],
    ["'; drop table paper;.txt", trees],
    [long, trees],
    ["t1.txt", trees],
    ["huge.txt", trees + "x".repeat(70_000)],
    ["long.txt", trees + "x".repeat(7_000)],
    ["latin.txt", Buffer.from([...Buffer.from(trees), 0xe9, 0x20])],
    ["bidi.txt", abstractFile("A \u202Etitle", "Text.")],
    ["empty.txt", ""],
    ["year.txt", trees.replace("2020", "soon")],
    ["twice.txt", `Title: again\n${trees}`],
  ];
  for (const [name, content] of files) await here.write(name, content);
  await symlink("/etc/passwd", join(here.folder, "link.txt"));
  execFileSync("mkfifo", [join(here.folder, "pipe.txt")]);
  await opened((library) => {
    expect(library.size).toBe(2);
    const told = library.skipped.map(({ file }) => JSON.parse(file) as string);
    expect(told.sort()).toEqual([...files.map(([name]) => name), "link.txt", "pipe.txt"].sort());
    expect(library.skipped.every(({ file, reason }) => reason.length > 5 && !file.includes("\u001b"))).toBe(true);
  });
});

test("a folder that is not there, or has no abstract, is an error that says so", async () => {
  await expect(Library.open({ ...here, folder: join(here.folder, "none") })).rejects.toMatchObject({ code: "literature/no-folder" });
  await here.write("B1.txt", "?");
  await here.write("T1.txt", "?");
  await expect(Library.open(here)).rejects.toMatchObject({ code: "literature/no-abstracts", hint: expect.stringContaining("B1.txt") });
  await opened(() => 0).catch(() => 0);
});

test("a query is words: nothing of SQLite's query language gets through", async () => {
  const library = await Library.open(here);
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "title:", "NEAR(a b)", "a*", "AND", "NOT bees", "-", "')")),
      (query) => {
        expect(library.search(query, 3).length).toBeLessThanOrEqual(2);
      },
    ),
  );
  library.close();
});

test("an id that is not there is an error, whatever it is", async () => {
  await opened((library) => {
    for (const id of ["", "P9", "' or 1=1 --", "__proto__"])
      expect(() => library.read(id)).toThrow(expect.objectContaining({ code: "literature/unknown-id" }));
  });
});

test("the abstracts of the example are 100, each of 80 to 150 words", async () => {
  const library = await Library.open({ folder: OWN_ABSTRACTS, indexes: here.indexes });
  const all = Array.from({ length: 100 }, (_, i) => library.read(`P${String(i + 1).padStart(3, "0")}`));
  expect([library.size, library.skipped, new Set(all.map(({ title }) => title)).size]).toEqual([100, [], 100]);
  const lengths = all.map(({ text }) => text.split(" ").length);
  expect([Math.min(...lengths) >= 80, Math.max(...lengths) <= 150]).toEqual([true, true]);
  library.close();
});
