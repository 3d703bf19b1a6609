import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Columns2 } from "lucide-react";

import { sessionsQuery } from "@/api/queries";
import type { SessionBody } from "@/api/types";
import { MenuItem } from "@/ui/Menu";

import { counterpartOf } from "./counterpart";

/** Goes to the comparison of a session with its fork or origin, in a session's menu; nothing where it has neither. */
export function CompareItem({ session }: { session: SessionBody }) {
  const { data: sessions } = useQuery(sessionsQuery);
  const navigate = useNavigate();
  const other = counterpartOf(session, sessions ?? []);
  if (other === null) return null;
  return (
    <MenuItem
      icon={<Columns2 />}
      hint={other.title}
      onSelect={() =>
        void navigate({ to: "/compare/$left/$right", params: { left: session.id, right: other.id } })
      }
    >
      Compare with its {other.id === session.parent_id ? "origin" : "fork"}
    </MenuItem>
  );
}
