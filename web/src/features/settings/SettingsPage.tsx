import { Empty } from "@/ui/states";

export default function SettingsPage() {
  return <Empty title="Settings" />;
}
