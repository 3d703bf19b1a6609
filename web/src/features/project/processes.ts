/** What runs beside a dev server, as it is being typed. Pure. */

export interface ProcessRow {
  name: string;
  command: string;
}

export function rowsOf(processes: Readonly<Record<string, string>>): ProcessRow[] {
  return Object.entries(processes).map(([name, command]) => ({ name, command }));
}

/** Returns the processes of the rows that are filled in, in their order. */
export function processesOf(rows: readonly ProcessRow[]): Record<string, string> {
  const filled = rows.filter((row) => row.name !== "" && row.command !== "");
  return Object.fromEntries(filled.map((row) => [row.name, row.command]));
}

/** Returns what cannot be sent, or null. */
export function processFault(rows: readonly ProcessRow[], devCommand: string): string | null {
  if (rows.some((row) => (row.name === "") !== (row.command === ""))) {
    return "Each needs a name and a command.";
  }
  if (rows.some((row) => row.name !== "" && !/^[a-z0-9-]{1,32}$/.test(row.name))) {
    return "Names have small letters, digits and dashes, at most 32.";
  }
  if (rows.some((row) => row.name !== "") && devCommand.trim() === "") {
    return "They run beside a dev server: give a dev command, too.";
  }
  return null;
}
