import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, useState } from "react";

import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { PANEL_VIEWS } from "@/features/session/panels";
import { sessionQuery } from "@/features/session/queries";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Failed, Loading } from "@/ui/states";
import { Tabs } from "@/ui/Tabs";
import { tellError } from "@/ui/toasts";
import { useIsPhone } from "@/ui/screen";

import { SideHead } from "./SideHead";

const VIEWS = { diff: "Diff", preview: "Preview" } as const;
type View = keyof typeof VIEWS;
type Side = "left" | "right";

/** Two sessions' diffs or previews side by side, one at a time on phones; one can be kept, and the other deleted. */
export function CompareView({ left, right }: { left: string; right: string }) {
  const lefts = useQuery(sessionQuery(left));
  const rights = useQuery(sessionQuery(right));
  const error = lefts.error ?? rights.error;
  if (lefts.data && rights.data) return <Sides left={lefts.data} right={rights.data} />;
  if (error) {
    return (
      <Failed
        error={error}
        onRetry={() => {
          void lefts.refetch();
          void rights.refetch();
        }}
      />
    );
  }
  return <Loading />;
}

function Sides({ left, right }: { left: SessionBody; right: SessionBody }) {
  const [view, setView] = useState<View>("diff");
  const [side, setSide] = useState<Side>("left");
  const [kept, setKept] = useState<SessionBody | null>(null);
  const isPhone = useIsPhone();
  const sides = { left, right };
  const keep = useKeep();
  const dropped = kept?.id === left.id ? right : left;
  const shown: Side[] = isPhone ? [side] : ["left", "right"];
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-4 py-2">
        <h1 className="font-semibold">Compare</h1>
        <Tabs
          label="What is compared"
          value={view}
          onChange={setView}
          tabs={(Object.keys(VIEWS) as View[]).map((value) => ({ value, name: VIEWS[value] }))}
        />
        {isPhone && (
          <Tabs
            label="Which session"
            value={side}
            onChange={setSide}
            className="w-full *:min-w-0 *:flex-1"
            tabs={[
              { value: "left", name: <span className="truncate">{left.title}</span> },
              { value: "right", name: <span className="truncate">{right.title}</span> },
            ]}
          />
        )}
      </header>
      <div className="grid min-h-0 flex-1 divide-x md:grid-cols-2">
        {shown.map((which) => (
          <section
            key={which}
            aria-label={`${which === "left" ? "Left" : "Right"}: ${sides[which].title}`}
            className="flex min-h-0 min-w-0 flex-col"
          >
            <SideHead session={sides[which]} isBusy={keep.isPending} onKeep={() => setKept(sides[which])} />
            <Panel key={view} view={view} session={sides[which]} />
          </section>
        ))}
      </div>
      <ConfirmDialog
        open={kept !== null}
        onOpenChange={() => setKept(null)}
        title={`Keep “${kept?.title ?? ""}”?`}
        description={`“${dropped.title}” is deleted with its conversation and everything in it that was not pushed. Its branch and pull request on the git host stay.`}
        confirm="Keep this, delete the other"
        onConfirm={() => kept && keep.mutate({ kept, dropped })}
      />
    </div>
  );
}

function Panel({ view, session }: { view: View; session: SessionBody }) {
  const Shown = PANEL_VIEWS[view];
  return (
    <div className="min-h-0 flex-1">
      <Suspense fallback={<Loading />}>
        <Shown session={session} />
      </Suspense>
    </div>
  );
}

/** Deletes the session that was not chosen, and goes to the one that was. */
function useKeep() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ dropped }: { kept: SessionBody; dropped: SessionBody }) =>
      api.DELETE("/api/sessions/{session}", { params: { path: { session: dropped.id } } }),
    onSuccess: async (_, { kept, dropped }) => {
      // Left first: a page that still shows the deleted one would ask for it again.
      await navigate({ to: "/sessions/$session/{-$panel}", params: { session: kept.id } });
      client.removeQueries({ queryKey: keys.session(dropped.id) });
      await client.invalidateQueries({ queryKey: keys.sessions });
    },
    onError: tellError,
  });
}
