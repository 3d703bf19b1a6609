import type { PanelProps } from "@/features/session/panels";
import { Empty } from "@/ui/states";

export default function LogsPanel({ session }: PanelProps) {
  return <Empty title="Logs">{session.title}</Empty>;
}
