import type { PanelProps } from "@/features/session/panels";
import { Empty } from "@/ui/states";

export default function EnvironmentPanel({ session }: PanelProps) {
  return <Empty title="Environment variables">{session.title}</Empty>;
}
