/** How long one has to wait for the next attempt. */
import { useEffect, useState } from "react";

import { TooManyAttemptsError } from "@/api/errors";

import { secondsUntil } from "./clock";

/** Counts down the seconds that an error asks to wait; 0 where it asks for none. */
export function useWait(error: unknown): number {
  const retryAfterS = error instanceof TooManyAttemptsError ? error.retryAfterS : 0;
  const [left, setLeft] = useState({ error, seconds: retryAfterS });
  if (left.error !== error) setLeft({ error, seconds: retryAfterS });
  useEffect(() => {
    if (retryAfterS === 0) return;
    const end = Date.now() + retryAfterS * 1000;
    const timer = setInterval(() => setLeft({ error, seconds: secondsUntil(end, Date.now()) }), 250);
    return () => clearInterval(timer);
  }, [error, retryAfterS]);
  return left.seconds;
}
