import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";

import { Failed, Loading } from "@/ui/states";

import { isUnderWay } from "./build_log";
import { ProjectView } from "./ProjectView";
import { projectQuery } from "./queries";

const POLL_MS = 1_500;

/** A project: stands at `/projects/<id>`. Read anew while its snapshot is being built. */
export default function ProjectPage() {
  const { project: id } = useParams({ from: "/shell/projects/$project" });
  const { data, error, refetch } = useQuery({
    ...projectQuery(id),
    refetchInterval: ({ state }) => {
      const snapshot = state.data?.snapshot;
      return snapshot && (isUnderWay(snapshot.state) || snapshot.state === "preparing") ? POLL_MS : false;
    },
  });
  if (data) return <ProjectView key={data.id} project={data} />;
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  return <Loading />;
}
