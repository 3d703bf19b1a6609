/** What a build's log says of its steps. Pure. */

export interface Step {
  name: string;
  state: "done" | "running" | "failed";
}

/** The server marks its own lines so, among those of the commands that it runs. */
const MARK = "[lot] ";

/** Returns the steps of a build in order; the last is where it is, or where it ended. */
export function stepsOf(log: string, state: string): Step[] {
  const names = log
    .split("\n")
    .filter((line) => line.startsWith(MARK))
    .map((line) => line.slice(MARK.length).trim());
  return names.map((name, at) => ({
    name: name.charAt(0).toUpperCase() + name.slice(1),
    state: at < names.length - 1 || state === "ready" ? "done" : state === "failed" ? "failed" : "running",
  }));
}

/** Whether the build is still going on, so that its log grows. */
export function isUnderWay(state: string): boolean {
  return state === "building";
}
