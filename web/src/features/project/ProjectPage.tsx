import { Empty } from "@/ui/states";

export default function ProjectPage() {
  return <Empty title="Project" />;
}
