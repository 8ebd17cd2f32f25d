/** Where Orrery keeps what it can make or fetch again. */
import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `$ORRERY_CACHE`, else `$XDG_CACHE_HOME/orrery`, else the system's own place, such as `~/.cache/orrery`. It need not exist. */
export function cacheDirectory(env: Environment = process.env, platform: string = process.platform, home: string = homedir()): string {
  if (env["ORRERY_CACHE"]) return env["ORRERY_CACHE"];
  if (env["XDG_CACHE_HOME"]) return join(env["XDG_CACHE_HOME"], "orrery");
  if (platform === "darwin") return join(home, "Library", "Caches", "orrery");
  if (platform === "win32") return join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "orrery", "cache");
  return join(home, ".cache", "orrery");
}
