/** The server's refusal: `code` is stable, `message` names the next step. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Too many attempts: `retryAfterS` seconds are to pass before the next. */
export class TooManyAttemptsError extends ApiError {
  constructor(
    cause: ApiError,
    readonly retryAfterS: number,
  ) {
    super(cause.status, cause.code, cause.message);
  }
}

/** The server could not be reached at all; time may mend it. */
export class UnreachableError extends Error {
  constructor() {
    super("The server cannot be reached. This page comes back by itself once it answers.");
    this.name = "UnreachableError";
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Makes an error of an answer, whatever its body is. */
export function errorOf({ status, headers }: Response, body: unknown): ApiError {
  const error = refusalOf(status, body);
  const wait = Number(headers.get("Retry-After"));
  return status === 429 && wait > 0 ? new TooManyAttemptsError(error, wait) : error;
}

function refusalOf(status: number, body: unknown): ApiError {
  if (typeof body === "object" && body !== null && "code" in body && "message" in body) {
    return new ApiError(status, String(body.code), String(body.message));
  }
  return new ApiError(status, "unknown", `The server answered ${status}.`);
}
