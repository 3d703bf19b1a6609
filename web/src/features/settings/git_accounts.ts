/** What connecting a git account sends, and how an app's installations read. */
import type { UseMutationResult } from "@tanstack/react-query";

import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type NewGitAccount = Schemas["NewGitAccount"];
export type Installation = Schemas["InstallationBody"];
/** Connects an account; the form that holds its secret is made anew when that is done. */
export type ConnectAccount = UseMutationResult<Schemas["GitAccountBody"], Error, NewGitAccount>;

/** Those through which repositories can be reached. */
export function usableInstallations(found: readonly Installation[]): readonly Installation[] {
  return found.filter((one) => !one.is_suspended);
}

export function installationLabel(one: Installation): string {
  const granted = one.has_all_repositories ? "all repositories" : "chosen repositories";
  return `${one.account} (${one.is_suspended ? "suspended" : granted})`;
}
