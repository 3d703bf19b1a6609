import type { PanelProps } from "@/features/session/panels";
import { Empty } from "@/ui/states";

export default function DiffPanel({ session }: PanelProps) {
  return <Empty title="Diff">{session.title}</Empty>;
}
