/** What the process says when it ends. Law: one table, printed by `--help`, never renumbered. */

export const EXIT = {
  /** The task was answered, the command did its work. */
  ok: 0,
  /** The run failed: no model, no answer, a broken file. */
  failed: 1,
  /** The arguments were wrong; nothing was done. */
  usage: 2,
  /** Answered, but a tool that writes was not run, because nobody could be asked. */
  unasked: 3,
  /** Cancelled by Ctrl-C (128 + SIGINT). */
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The table as `--help` shows it. */
export const EXIT_TABLE: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, "answered, or the command did its work"],
  [EXIT.failed, "failed: the message on stderr says why"],
  [EXIT.usage, "wrong arguments; nothing was done"],
  [EXIT.unasked, "answered, but a tool that writes was not run: nobody could be asked (see --yes)"],
  [EXIT.cancelled, "cancelled with Ctrl-C"],
];
