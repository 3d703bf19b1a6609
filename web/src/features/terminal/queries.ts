/** Terminals of a session as the sandbox has them. */
import { api, read } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { ProcessBody } from "@/api/types";

export const TERMINAL_PREFIX = "terminal-";

export async function listTerminals(session: string): Promise<ProcessBody[]> {
  const processes = await read(
    api.GET("/api/sessions/{session}/processes", { params: { path: { session } } }),
  );
  return processes.filter((process) => process.name.startsWith(TERMINAL_PREFIX));
}

export async function findProcess(session: string, name: string): Promise<ProcessBody | undefined> {
  const processes = await read(
    api.GET("/api/sessions/{session}/processes", { params: { path: { session } } }),
  );
  return processes.find((process) => process.name === name);
}

export function openTerminal(session: string, rows: number, columns: number): Promise<ProcessBody> {
  return read(
    api.POST("/api/sessions/{session}/terminals", { params: { path: { session } }, body: { rows, columns } }),
  );
}

/** Returns what a process had printed when the sandbox went off. */
export async function readKeptLog(session: string, process: string): Promise<string> {
  const { data } = await api.GET("/api/sessions/{session}/logs", {
    params: { path: { session }, query: { process } },
    parseAs: "text",
  });
  return data ?? "";
}

/** Ends a terminal's shell with what it runs; nothing happens if it is gone. */
export async function closeTerminal(session: string, name: string): Promise<void> {
  try {
    await api.DELETE("/api/sessions/{session}/terminals/{name}", { params: { path: { session, name } } });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
