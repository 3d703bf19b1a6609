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

/** Makes an error of an answer's body, whatever it is. */
export function errorOf(status: number, body: unknown): ApiError {
  if (typeof body === "object" && body !== null && "code" in body && "message" in body) {
    return new ApiError(status, String(body.code), String(body.message));
  }
  return new ApiError(status, "unknown", `The server answered ${status}.`);
}
