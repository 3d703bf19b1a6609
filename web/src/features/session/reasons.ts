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
