import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Suspense } from "react";

import { Failed, Loading } from "@/ui/states";

import { isPanel, PANEL_VIEWS } from "./panels";
import { sessionQuery } from "./queries";

/** A session: its conversation and the panel that the address names. */
export default function SessionPage() {
  const { session: id, panel } = useParams({ from: "/shell/sessions/$session/{-$panel}" });
  const { data: session, error, refetch } = useQuery(sessionQuery(id));
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!session) return <Loading />;
  const View = PANEL_VIEWS[isPanel(panel) ? panel : "preview"];
  return (
    <Suspense fallback={<Loading />}>
      <View session={session} />
    </Suspense>
  );
}
