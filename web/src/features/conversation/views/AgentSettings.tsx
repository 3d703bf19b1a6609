import { useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";

import { providersQuery } from "@/api/queries";
import type { SessionBody, SessionChanges } from "@/api/types";
import { useSessionMoves } from "@/features/session/queries";
import { Button } from "@/ui/Button";
import { Menu, MenuChoices, MenuLabel, MenuSeparator } from "@/ui/Menu";
import { tellError } from "@/ui/toasts";

import { EFFORTS, MODES } from "../agent_choices";

/** Model, effort and mode: they count from the agent's next request on. */
export function AgentSettings({ session }: { session: SessionBody }) {
  const { data: providers } = useQuery(providersQuery);
  const { change } = useSessionMoves(session.id);
  const provider = providers?.find((each) => each.name === session.provider);
  const listed = provider?.models.map((model) => ({ value: model.id, name: model.name })) ?? [];
  const model = session.model ?? "";
  const models =
    model === "" || listed.some((each) => each.value === model)
      ? listed
      : [{ value: model, name: model }, ...listed];
  const mode = MODES.find((each) => each.value === session.mode) ?? MODES[0];
  const set = (changes: SessionChanges) => change.mutate(changes, { onError: tellError });
  return (
    <>
      <Menu
        align="start"
        trigger={
          <Button tone="quiet" size="small" className="min-w-0 shrink">
            <span className="sr-only">Model and effort: </span>
            <span className="truncate">{models.find((each) => each.value === model)?.name ?? "Model"}</span>
            {session.effort !== null && <span className="text-ink-3">{session.effort}</span>}
            <ChevronDown className="!size-3.5" aria-hidden />
          </Button>
        }
      >
        <MenuLabel>Model</MenuLabel>
        <MenuChoices value={model} choices={models} onChoose={(chosen) => set({ model: chosen })} />
        <MenuSeparator />
        <MenuLabel>Effort</MenuLabel>
        <MenuChoices
          value={session.effort ?? "default"}
          choices={EFFORTS}
          onChoose={(chosen) =>
            set({ effort: chosen === "default" ? null : (chosen as SessionChanges["effort"]) })
          }
        />
      </Menu>
      <Menu
        align="start"
        trigger={
          <Button tone="quiet" size="small" className="min-w-0 shrink">
            <span className="sr-only">Mode: </span>
            <span className="truncate">{mode.name}</span>
            <ChevronDown className="!size-3.5" aria-hidden />
          </Button>
        }
      >
        <MenuLabel>What the agent may do without asking</MenuLabel>
        <MenuChoices value={mode.value} choices={MODES} onChoose={(chosen) => set({ mode: chosen })} />
      </Menu>
    </>
  );
}
