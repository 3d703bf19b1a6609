import { Empty } from "@/ui/states";

export default function ComparePage() {
  return <Empty title="Compare two sessions" />;
}
