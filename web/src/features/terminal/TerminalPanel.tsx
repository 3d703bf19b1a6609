import type { PanelProps } from "@/features/session/panels";
import { Empty } from "@/ui/states";

export default function TerminalPanel({ session }: PanelProps) {
  return <Empty title="Terminal">{session.title}</Empty>;
}
