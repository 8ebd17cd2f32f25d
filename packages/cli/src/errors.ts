/** Errors of the command line: `cli/…`. A {@link UsageError} is the caller's mistake and ends with exit code 2. */
import { OrreryError } from "@orrery/chat";

export class CliError extends OrreryError {}

/** Arguments that no command takes. */
export class UsageError extends CliError {}
