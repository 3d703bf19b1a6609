import { Empty } from "@/ui/states";

/** Stands where a session would, until one is chosen. */
export function Welcome() {
  return <Empty title="Choose a session">Or start one with + beside a project.</Empty>;
}
