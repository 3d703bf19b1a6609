/** What agents can be set to, in words. */

export const EFFORTS = [
  { value: "default", name: "As the model likes" },
  { value: "low", name: "Low" },
  { value: "medium", name: "Medium" },
  { value: "high", name: "High" },
  { value: "xhigh", name: "Very high" },
  { value: "max", name: "Highest" },
] as const;

export const MODES = [
  { value: "full", name: "Works on its own", hint: "The sandbox is the limit" },
  { value: "edits", name: "Asks before commands", hint: "Edits files on its own" },
  { value: "ask", name: "Asks before everything", hint: "Each edit and each command" },
  { value: "plan", name: "Plans", hint: "Reads only, and proposes a plan" },
] as const;
