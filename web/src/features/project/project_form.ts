/** A project's settings as they are being edited, and what of them is to be sent. Pure. */
import type { ProjectBody } from "@/api/types";
import type { components } from "@/api/schema";

import { processesOf, processFault, type ProcessRow, rowsOf } from "./processes";

export type ProjectChanges = components["schemas"]["ProjectChanges"];

export interface ProjectForm {
  name: string;
  branch: string;
  setupCommand: string;
  devCommand: string;
  port: string;
  processes: readonly ProcessRow[];
  size: string;
  image: string;
  hasBrowser: boolean;
  rebuildsWhenStale: boolean;
  budgetTokens: string;
  budgetUsd: string;
}

export function formOf(project: ProjectBody): ProjectForm {
  return {
    name: project.name,
    branch: project.branch,
    setupCommand: project.setup_command ?? "",
    devCommand: project.dev_command ?? "",
    port: project.port?.toString() ?? "",
    processes: rowsOf(project.processes),
    size: project.size,
    image: project.image ?? "",
    hasBrowser: project.has_browser,
    rebuildsWhenStale: project.rebuilds_when_stale,
    budgetTokens: project.budget_tokens?.toString() ?? "",
    budgetUsd: project.budget_usd?.toString() ?? "",
  };
}

/** Returns what differs from the project, as the server takes it; what was emptied is taken away. */
export function changesOf(project: ProjectBody, form: ProjectForm): ProjectChanges {
  const before = formOf(project);
  const isNew = (name: keyof ProjectForm) => form[name] !== before[name];
  const text = (value: string) => value.trim() || null;
  const processes = processesOf(form.processes);
  const number = (value: string) => (value.trim() === "" ? null : Number(value));
  return {
    ...(isNew("name") && { name: form.name.trim() }),
    ...(isNew("branch") && { branch: form.branch.trim() }),
    ...(isNew("setupCommand") && { setup_command: text(form.setupCommand) }),
    ...(isNew("devCommand") && { dev_command: text(form.devCommand) }),
    ...(isNew("port") && { port: number(form.port) }),
    ...(JSON.stringify(processes) !== JSON.stringify(project.processes) && { processes }),
    ...(isNew("size") && { size: form.size }),
    ...(isNew("image") && { image: text(form.image) }),
    ...(isNew("hasBrowser") && { has_browser: form.hasBrowser }),
    ...(isNew("rebuildsWhenStale") && { rebuilds_when_stale: form.rebuildsWhenStale }),
    ...(isNew("budgetTokens") && { budget_tokens: number(form.budgetTokens) }),
    ...(isNew("budgetUsd") && { budget_usd: number(form.budgetUsd) }),
  };
}

/** Returns what cannot be sent, or null. */
export function faultOf(form: ProjectForm): string | null {
  if (form.name.trim() === "") return "A project needs a name.";
  if (form.branch.trim() === "") return "A project needs a branch.";
  if (
    form.port !== "" &&
    !(/^\d+$/.test(form.port) && Number(form.port) >= 1 && Number(form.port) <= 65_535)
  ) {
    return "A port is a number from 1 to 65535.";
  }
  if (form.budgetTokens !== "" && !/^[1-9]\d*$/.test(form.budgetTokens)) {
    return "A budget of tokens is a whole number above 0.";
  }
  if (form.budgetUsd !== "" && !(Number(form.budgetUsd) > 0)) return "A budget of money is above 0.";
  return processFault(form.processes, form.devCommand);
}
