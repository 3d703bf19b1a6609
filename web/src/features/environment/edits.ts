/** Unsaved changes of a project's environment: what they make of it, and what is sent to save them. */
import type { EnvironmentBody } from "@/api/types";

export interface Edits {
  set: Readonly<Record<string, string>>;
  unset: readonly string[];
}

export const NO_EDITS: Edits = { set: {}, unset: [] };

export type RowState = "same" | "changed" | "added" | "removed";

export interface Row {
  name: string;
  state: RowState;
  /** What it will be; null: as it is, which is not known here unless it was revealed. */
  value: string | null;
}

export function hasEdits(edits: Edits): boolean {
  return edits.unset.length > 0 || Object.keys(edits.set).length > 0;
}

export function countEdits(edits: Edits): number {
  return edits.unset.length + Object.keys(edits.set).length;
}

/** Returns every variable as it is and will be: those that are there in their order, then new ones. */
export function rowsOf(names: readonly string[], edits: Edits): Row[] {
  const there = names.map((name): Row => {
    if (edits.unset.includes(name)) return { name, state: "removed", value: null };
    const value = edits.set[name];
    return value === undefined ? { name, state: "same", value: null } : { name, state: "changed", value };
  });
  const added = Object.entries(edits.set)
    .filter(([name]) => !names.includes(name))
    .map(([name, value]): Row => ({ name, state: "added", value }));
  return [...there, ...added];
}

export function setValue(edits: Edits, name: string, value: string): Edits {
  return { set: { ...edits.set, [name]: value }, unset: edits.unset.filter((one) => one !== name) };
}

/** Takes a variable away: one that was only added here is gone at once. */
export function remove(edits: Edits, name: string, isThere: boolean): Edits {
  const unset = edits.unset.filter((one) => one !== name);
  return { set: without(edits.set, name), unset: isThere ? [...unset, name] : unset };
}

/** Takes back what was to be done with a variable. */
export function undo(edits: Edits, name: string): Edits {
  return { set: without(edits.set, name), unset: edits.unset.filter((one) => one !== name) };
}

/** Puts pasted variables among the edits; where their value is the present one, nothing is to be changed. */
export function take(
  edits: Edits,
  pasted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): Edits {
  return Object.entries(pasted).reduce(
    (sum, [name, value]) => (present[name] === value ? undo(sum, name) : setValue(sum, name, value)),
    edits,
  );
}

/** Returns the body that saves edits; what is gone already is not taken away again, which the server would refuse. */
export function patchOf(edits: Edits, names: readonly string[], version: number) {
  return {
    text: null,
    set: { ...edits.set },
    unset: edits.unset.filter((name) => names.includes(name)),
    version,
  };
}

/** What an environment was when edits began: its version, and since when each variable is what it is. */
export interface Seen {
  version: number;
  changedAt: Readonly<Record<string, string | null>>;
}

export function seenOf(environment: EnvironmentBody): Seen {
  return {
    version: environment.version,
    changedAt: Object.fromEntries(environment.variables.map((one) => [one.name, one.changed_at])),
  };
}

export interface Meanwhile {
  added: string[];
  changed: string[];
  removed: string[];
}

/** Returns what somebody else has changed since. */
export function meanwhile(seen: Seen, now: EnvironmentBody): Meanwhile {
  const after = seenOf(now).changedAt;
  const names = Object.keys(after);
  return {
    added: names.filter((name) => !(name in seen.changedAt)),
    changed: names.filter((name) => name in seen.changedAt && after[name] !== seen.changedAt[name]),
    removed: Object.keys(seen.changedAt).filter((name) => !(name in after)),
  };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Returns what is wrong with the name of a new variable, as the server would say it; null: nothing. */
export function nameProblem(name: string, taken: readonly string[]): string | null {
  if (name === "") return null;
  if (!NAME.test(name)) return "A name has letters, digits and _, and does not begin with a digit.";
  if (taken.includes(name)) return `${name} is there already; change its value instead.`;
  return null;
}

/** Whether what was pasted into the field of a name is rather a `.env` file. */
export function looksLikeDotenv(pasted: string): boolean {
  return /^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_.-]*\s*=/m.test(pasted);
}

function without(set: Edits["set"], name: string): Edits["set"] {
  return Object.fromEntries(Object.entries(set).filter(([one]) => one !== name));
}
