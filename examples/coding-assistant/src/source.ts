/**
 * What can be known of a JavaScript file without running it: its tokens, its top-level declarations, who uses whom. In: text. Out:
 * pieces of it. Law: a reading for choosing where to look, not a parser: where it errs, the choice is worse, never unsafe.
 */

export interface Token {
  readonly kind: "name" | "number" | "string" | "sign";
  readonly text: string;
  readonly at: number;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<number>\b\d[\d_]*(?:\.\d+)?\b)|(?<name>[A-Za-z_$][\w$]*)|(?<sign>[<>=!]==?|[<>]=?|&&|\|\||\?\?|[-+*/]=?|=>|[^\s\w])/g;

/** Comments are no tokens; template strings are read as signs and names. */
export function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(TOKEN)].flatMap(({ groups = {}, index, 0: found }) => {
    const kind = (["string", "number", "name", "sign"] as const).find((each) => groups[each] !== undefined);
    return kind === undefined ? [] : [{ kind, text: found, at: index }];
  });
}

/** A function, class or constant at the top of a file, from its first to its last character. */
export interface Declaration {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export function declarationsOf(text: string): readonly Declaration[] {
  const found = [...text.matchAll(/^(?:export )?(?:default )?(?:async )?(?:function\*?|class|const|let|var) ([A-Za-z_$][\w$]*)/gm)];
  return found.map(({ 1: name = "", index }, i) => ({ name, from: index, to: found[i + 1]?.index ?? text.length }));
}

/** The names in a piece of text. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/[A-Za-z_$][\w$]*/g) ?? []);
}

/** The declarations that are meant by some names: those of the names, and those that they use, of their own file or imported. */
export function usedBy(names: Iterable<string>, texts: readonly string[]): ReadonlySet<string> {
  const uses = new Map<string, readonly string[]>();
  for (const text of texts) {
    const declared = declarationsOf(text);
    const visible = new Set([...declared.map(({ name }) => name), ...namesIn((text.match(/^import [^;]*;/gm) ?? []).join(" "))]);
    for (const { name, from, to } of declared)
      uses.set(
        name,
        [...namesIn(text.slice(from, to))].filter((other) => visible.has(other)),
      );
  }
  const used = new Set([...names].filter((name) => uses.has(name)));
  for (const name of used) for (const other of uses.get(name)!) if (uses.has(other)) used.add(other);
  return used;
}

/** Of each test of a file the names in it. A test ends where the next begins. */
export function testsIn(text: string): Readonly<Record<string, readonly string[]>> {
  const found = [...text.matchAll(/\b(?:test|it)\(\s*(["'`])((?:\\.|(?!\1)[^\\\n])*)\1/g)];
  return Object.fromEntries(
    found.map(({ 2: name = "", index }, i) => [name, [...namesIn(text.slice(index, found[i + 1]?.index ?? text.length))]]),
  );
}
