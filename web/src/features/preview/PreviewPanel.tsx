import type { PanelProps } from "@/features/session/panels";
import { Empty } from "@/ui/states";

export default function PreviewPanel({ session }: PanelProps) {
  return <Empty title="Preview">{session.title}</Empty>;
}
