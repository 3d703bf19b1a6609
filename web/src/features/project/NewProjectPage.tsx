import { Empty } from "@/ui/states";

export default function NewProjectPage() {
  return <Empty title="New project" />;
}
