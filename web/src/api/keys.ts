/** Under which keys the page keeps what it has read. They begin with the thing they are of: invalidate by prefix. */
export const keys = {
  projects: ["projects"] as const,
  project: (project: string) => ["projects", project] as const,
  environment: (project: string) => ["projects", project, "environment"] as const,
  sessions: ["sessions"] as const,
  session: (session: string) => ["session", session] as const,
  diff: (session: string) => ["session", session, "diff"] as const,
  pullRequest: (session: string) => ["session", session, "pull-request"] as const,
  ports: (session: string) => ["session", session, "ports"] as const,
  processes: (session: string) => ["session", session, "processes"] as const,
  logs: (session: string, process: string) => ["session", session, "logs", process] as const,
  providers: ["providers"] as const,
  sizes: ["sizes"] as const,
  settings: ["settings"] as const,
};
