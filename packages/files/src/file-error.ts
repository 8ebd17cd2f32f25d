/** A file that cannot be used as asked. Its message is read by a model, so it is short and plain; programs branch on the code. */
import { OrreryError } from "@orrery/chat";

export class FileError extends OrreryError {}
