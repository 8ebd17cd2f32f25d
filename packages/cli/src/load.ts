/**
 * Models for commands, from directories and from the hub. In: what the command line names. Out: a model, or a checkpoint's path, with
 * what goes on shown meanwhile. Law: Ctrl-C while something loads ends the command as cancelled.
 */
import { OrreryError } from "@orrery/chat";
import type { HubModel, LoadProgress } from "@orrery/runtime";
import type { ModelArguments } from "./arguments.ts";
import { CliError } from "./errors.ts";
import { writeLine, type Host, type OpenModel } from "./host.ts";
import type { LiveView } from "./view/live.ts";
import { loadLine, tenthOf } from "./view/load-line.ts";
import { printableLine } from "./view/printable.ts";

/** Loads a model; one of the hub is fetched and exported first, if need be. */
export async function loadShown(
  host: Host,
  view: LiveView,
  { model, precision, variant }: ModelArguments,
  signal: AbortSignal,
): Promise<OpenModel> {
  const loading = host
    .engine()
    .then((engine) =>
      engine.loadModel(model, { ...(precision && { precision }), ...(variant && { variant }), signal, onProgress: shownOn(host, view) }),
    );
  const loaded = await view.during("· loading the model", cancellable(loading));
  if (!signal.aborted) return loaded;
  await loaded.dispose();
  throw new CliError("cli/cancelled", "cancelled");
}

/** Fetches a checkpoint of the hub. */
export async function fetchShown(host: Host, view: LiveView, name: string, signal: AbortSignal): Promise<HubModel> {
  const { fetchCheckpoint } = await host.engine();
  return view.during("· asking the hub", cancellable(fetchCheckpoint(name, { signal, onProgress: shownOn(host, view) })));
}

/** What a model of the hub is, and what of it is here; fetches none of its files. */
export async function describeShown(host: Host, view: LiveView, name: string, signal: AbortSignal): Promise<HubModel> {
  const { describeHubModel } = await host.engine();
  return view.during("· asking the hub", cancellable(describeHubModel(name, { signal, onProgress: shownOn(host, view) })));
}

/** Of work that the command's signal ended, the command's own error. @throws CliError `cli/cancelled` */
export async function cancellable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof OrreryError) || (error.code !== "hub/aborted" && error.code !== "export/cancelled")) throw error;
    throw new CliError("cli/cancelled", "cancelled", { hint: error.hint, cause: error });
  }
}

/** On a terminal one line that is written anew; elsewhere a line on stderr for every tenth that is done. What is no progress stays. */
export function shownOn(host: Host, view: LiveView): (progress: LoadProgress) => void {
  let shown = -1;
  let type: string | undefined;
  return (progress) => {
    if (view.isLive && progress.type !== "offline" && progress.type !== "busy") return view.status(loadLine(progress));
    const tenth = tenthOf(progress);
    if (tenth === shown && progress.type === type) return;
    shown = tenth;
    type = progress.type;
    view.endLine();
    writeLine(host.stderr, printableLine(loadLine(progress)));
  };
}
