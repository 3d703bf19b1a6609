/** Calls of routes that `api/schema.ts` does not describe yet; who calls says what the answer is. */
import { goToSignIn } from "@/api/client";
import { ApiError, errorOf, UnreachableError } from "@/api/errors";

/** Too many attempts: `retryAfterS` seconds are to pass before the next. */
export class TooManyAttemptsError extends ApiError {
  constructor(
    cause: ApiError,
    readonly retryAfterS: number,
  ) {
    super(cause.status, cause.code, cause.message);
  }
}

/** Asks the server, as `api` does: same header, same errors, same way to the sign-in page. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: {
      "X-Lot-Client": "web",
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new UnreachableError();
  });
  const said: unknown = await response.json().catch(() => null);
  if (response.ok) return said as T;
  if (response.status === 401 && !path.startsWith("/api/sign-in")) goToSignIn();
  const error = errorOf(response.status, said);
  const wait = Number(response.headers.get("Retry-After"));
  throw response.status === 429 && wait > 0 ? new TooManyAttemptsError(error, wait) : error;
}
