export interface ProcessLog {
  process: string;
  name: string;
}

/** Returns the logs that a session has: of its dev server, of what runs beside it, and of its setup. */
export function logsOf(beside: readonly string[]): ProcessLog[] {
  return [
    { process: "dev", name: "Dev server" },
    ...beside.map((name) => ({ process: `dev-${name}`, name })),
    { process: "setup", name: "Setup" },
  ];
}
