/** What can be wrong with a folder, a question or a quotation. In: facts. Out: an error with a stable code. */
import { OrreryError } from "@orrery/chat";

export class LiteratureError extends OrreryError {}
