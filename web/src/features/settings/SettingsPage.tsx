import { useParams } from "@tanstack/react-router";

import { SettingsView } from "./SettingsView";

/** Settings: stands at `/settings` and `/settings/<section>`. */
export default function SettingsPage() {
  const { section } = useParams({ from: "/shell/settings/{-$section}" });
  return <SettingsView section={section} />;
}
