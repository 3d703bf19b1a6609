/** What a new project is made from, as it is being typed, and where in the form a refusal belongs. Pure. */
import type { NewProject } from "@/api/types";

import { processesOf, processFault, type ProcessRow } from "./processes";

export interface Draft {
  /** Name of the git account that the source is chosen from; empty: an address or a path. */
  account: string;
  source: string;
  name: string;
  branch: string;
  /** Empty: the default one. */
  size: string;
  environment: string;
  hasBrowser: boolean;
  rebuildsWhenStale: boolean;
  image: string;
  setupCommand: string;
  devCommand: string;
  port: string;
  processes: readonly ProcessRow[];
}

export const EMPTY: Draft = {
  account: "",
  source: "",
  name: "",
  branch: "",
  size: "",
  environment: "",
  hasBrowser: false,
  rebuildsWhenStale: false,
  image: "",
  setupCommand: "",
  devCommand: "",
  port: "",
  processes: [],
};

/** Parts of the form that can be wrong. */
export type FieldName =
  | "source"
  | "account"
  | "name"
  | "branch"
  | "size"
  | "environment"
  | "image"
  | "commands"
  | "port"
  | "processes";

/**
 * Returns the body that creates the project: what was left empty is left to the server.
 *
 * `size` is the one that was shown as chosen, so that it counts also where the default was changed meanwhile.
 */
export function bodyOf(draft: Draft, size: string): NewProject {
  const processes = processesOf(draft.processes);
  return {
    source: draft.source.trim(),
    ...(size && { size }),
    has_browser: draft.hasBrowser,
    rebuilds_when_stale: draft.rebuildsWhenStale,
    ...(draft.account && { account: draft.account }),
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...(draft.branch.trim() && { branch: draft.branch.trim() }),
    ...(draft.environment.trim() && { environment_text: draft.environment }),
    ...(draft.image.trim() && { image: draft.image.trim() }),
    ...(draft.setupCommand.trim() && { setup_command: draft.setupCommand.trim() }),
    ...(draft.devCommand.trim() && { dev_command: draft.devCommand.trim() }),
    ...(draft.port && { port: Number(draft.port) }),
    ...(Object.keys(processes).length > 0 && { processes }),
  };
}

/** Returns what can be seen to be wrong before the server is asked, by part of the form. */
export function faultsOf(draft: Draft): Partial<Record<FieldName, string>> {
  const faults: Partial<Record<FieldName, string>> = {};
  if (draft.source.trim() === "") {
    faults.source = draft.account ? "Choose a repository." : "Give an address or a path.";
  }
  if (draft.port !== "" && !isPort(draft.port)) faults.port = "A port is a number from 1 to 65535.";
  if (draft.name !== "" && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(draft.name.trim())) {
    faults.name = "Use letters, digits, dots, dashes and underscores.";
  }
  const ofProcesses = processFault(draft.processes, draft.devCommand);
  if (ofProcesses !== null) faults.processes = ofProcesses;
  return faults;
}

function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

const BY_CODE: Record<string, FieldName> = {
  "git.repository": "source",
  "git.unreachable": "source",
  "git.failed": "source",
  "git.account_refused": "account",
};
const BY_FIELD: Record<string, FieldName> = {
  source: "source",
  account: "account",
  name: "name",
  branch: "branch",
  size: "size",
  environment: "environment",
  environment_text: "environment",
  image: "image",
  setup_command: "commands",
  dev_command: "commands",
  port: "port",
  processes: "processes",
};
const BY_WORDS: readonly [RegExp, FieldName][] = [
  [/^a project named/, "name"],
  [/\bline \d+|variable|the value of/i, "environment"],
  [/branch/i, "branch"],
  [/image/i, "image"],
  [/size/i, "size"],
];

/** Returns the part of the form that a refusal is about; null: the whole. */
export function fieldOf(code: string, message: string): FieldName | null {
  const field = /^body\.(\w+)/.exec(message)?.[1];
  if (field !== undefined) return BY_FIELD[field] ?? null;
  const isOfBranch = code === "git.repository" && /branch/i.test(message);
  if (isOfBranch) return "branch";
  if (code in BY_CODE) return BY_CODE[code] ?? null;
  return BY_WORDS.find(([words]) => words.test(message))?.[1] ?? null;
}

/** Returns the name that the server gives a project from its source; empty where there is none to be seen. */
export function nameOf(source: string): string {
  const last =
    source
      .trim()
      .replace(/\/+$/, "")
      .replace(/\.git$/, "")
      .split(/[/:\\]/)
      .at(-1) ?? "";
  return last.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "");
}

/**
 * Returns the names that a pasted `.env` sets, in order, each once. A preview only: the server parses it, and says
 * which line is wrong.
 */
export function variableNames(text: string): string[] {
  const names = new Set<string>();
  // A quoted value may go over several lines, in which NAME= means nothing.
  const bindings =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*("(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*')?/gm;
  for (const match of text.replace(/\r\n?/g, "\n").matchAll(bindings)) if (match[1]) names.add(match[1]);
  return [...names];
}
