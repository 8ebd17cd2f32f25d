/** `@orrery/files`: the files below one folder, for tools whose paths come from a model. */
export { FileError } from "./file-error.ts";
export { replaceOnce } from "./replace-once.ts";
export { listFiles, listFolder, searchFiles, type Listing, type Match, type Matches } from "./walk.ts";
export { openWorkspace, type Workspace } from "./workspace.ts";
