/**
 * How wide text will be, with no font at hand. In: text. Out: pixels, rather too many than too few. Law: labels are monospaced, so that
 * their width is known on every machine; titles are measured by widths that the common sans-serif fonts do not exceed.
 */

export const FONT = {
  title: { family: "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif", size: 13 },
  label: { family: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace", size: 11 },
} as const;

/** em: of most monospaced fonts 0.60, of Consolas 0.55. */
const MONOSPACED = 0.605;
/** East Asian letters and emoji take a whole em, or two columns. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/gu;

export function labelWidth(text: string): number {
  const characters = [...text].length + (text.match(WIDE)?.length ?? 0);
  return characters * MONOSPACED * FONT.label.size;
}

/** Semi-bold; em by groups of letters, after DejaVu Sans Bold, the widest of the common ones. */
export function titleWidth(text: string): number {
  let em = 0;
  for (const letter of text)
    em += /[ijlI.,:;'|! ]/.test(letter)
      ? 0.4
      : /[frt()[\]/-]/.test(letter)
        ? 0.5
        : /[mwMW@%]/.test(letter)
          ? 1.1
          : /[A-Z]/.test(letter)
            ? 0.8
            : /[\u0020-\u007e]/.test(letter)
              ? 0.7
              : 1.1;
  return em * FONT.title.size;
}
