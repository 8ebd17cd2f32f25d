/**
 * What the hub's refusals mean. In: status and headers of an answer. Out: an error that says what to do. Law: nothing of the answer's
 * body is shown, and of its headers only what is checked.
 */
import { HubError } from "../errors.ts";

/** What a request was about, for messages. */
export interface Subject {
  /** `owner/name`. */
  readonly repository: string;
  /** `file x`, `revision y`: what of it. */
  readonly what: string;
  /** Page of the repository, for people. */
  readonly page: string;
  readonly hasToken: boolean;
}

const TOKENS = "https://huggingface.co/settings/tokens";

/** The error of an answer that is not 2xx. */
export function refusal(response: Response, { repository, what, page, hasToken }: Subject): HubError {
  const { status, headers } = response;
  const code = headers.get("x-error-code");
  const named = `${repository}: ${what}`;
  if (code === "GatedRepo" && (status === 401 || status === 403))
    return new HubError("hub/gated", `${repository} is gated: its owner wants a licence accepted first (status ${status})`, {
      hint: `sign in and accept the licence at ${page}, then set HF_TOKEN to a token of that account (${TOKENS})`,
    });
  if (status === 404 || code === "RepoNotFound") return notFound(code, { repository, what, page, hasToken });
  if (status === 401 || status === 403)
    return new HubError(
      "hub/unauthorized",
      `the hub does not give ${named} (status ${status}${hasToken ? ", with the token given" : ", without a token"})`,
      {
        hint: hasToken
          ? `check that the token is valid and may read ${repository} (${TOKENS}), and that the name is right`
          : `check the name; if the repository is private, set HF_TOKEN to a token that may read it (${TOKENS})`,
      },
    );
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(headers.get("retry-after"));
    const when = retryAfterMs === null ? "later" : `in ${Math.ceil(retryAfterMs / 1000)} s`;
    return new HubError("hub/unavailable", `the hub cannot give ${named} now (status ${status})`, {
      hint: status === 429 ? `too many requests: try again ${when}, with HF_TOKEN set for a higher limit` : `try again ${when}`,
      retryAfterMs,
    });
  }
  return badAnswer(`${named} is answered with status ${status}`);
}

/** An answer that is none of a hub. */
export function badAnswer(what: string, cause?: unknown): HubError {
  return new HubError("hub/bad-answer", what, {
    hint: "check the endpoint (HF_ENDPOINT) and whether a proxy or a sign-in page stands between",
    cause,
  });
}

function notFound(code: string | null, { repository, what, page, hasToken }: Subject): HubError {
  const missing = code === "RepoNotFound" ? "repository" : what;
  const hint =
    code === "RepoNotFound" && !hasToken
      ? "check owner and name; if the repository is private, set HF_TOKEN"
      : `check the name; what there is stands at ${page}`;
  return new HubError("hub/not-found", `${repository}: the ${missing} is not on the hub`, { hint });
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
function retryAfter(text: string | null): number | null {
  if (text === null) return null;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
