/** The server's short reasons for a pause (`PauseReason` of its core), in words; other reasons are sentences already. */
const WORDS: Partial<Record<string, string>> = {
  quiet: "nothing was going on",
  activity_limit: "the agent worked for as long as it may without a break",
  resume_window: "it was only woken to be looked at",
  kept_awake: "the time for which it was kept awake is over",
  limit_reached: "a limit was reached",
};

export function inWords(reason: string): string {
  return WORDS[reason] ?? reason;
}

const COMING: Partial<Record<string, string>> = {
  quiet: "as nothing goes on",
  activity_limit: "as the agent then has worked for as long as it may without a break",
  resume_window: "as it was only woken to be looked at",
  kept_awake: "until then it is kept awake, as was asked for",
  limit_reached: "as a limit was reached",
};

/** Why a session will be paused, in words. */
export function whyItWillPause(reason: string): string {
  return COMING[reason] ?? reason;
}
