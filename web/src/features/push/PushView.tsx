import { Ago } from "@/features/project/Ago";
import { Problem } from "@/features/project/Page";
import { Toggle } from "@/features/project/Toggle";
import { browserName } from "@/features/settings/browser_name";
import type { PushDeviceBody } from "@/api/types";
import { Button } from "@/ui/Button";

import { pushHint, type PushState } from "./push_state";

interface SwitchProps {
  state: PushState;
  /** Why the server sends none, in its own words. */
  reason: string | null;
  /** What went wrong the last time, with the next step. */
  fault: Error | null;
  /** Whether it is being switched. */
  isBusy: boolean;
  onChange: (isWanted: boolean) => void;
}

/** The switch of notices in this browser while no page of Lot is open in it. */
export function PushSwitch({ state, reason, fault, isBusy, onChange }: SwitchProps) {
  return (
    <div className="flex flex-col gap-3">
      <Toggle
        label="Also when Lot is not open"
        hint={isBusy ? "Your browser asks its push service…" : pushHint(state, reason)}
        checked={state === "on"}
        disabled={isBusy || (state !== "on" && state !== "off")}
        onChange={onChange}
      />
      <Problem error={fault} />
    </div>
  );
}

interface DevicesProps {
  devices: readonly PushDeviceBody[];
  /** The one that is being removed. */
  removing: string | null;
  fault: Error | null;
  onRemove: (id: string) => void;
}

/** Where a user's notices go, and whether they get there. */
export function PushDevices({ devices, removing, fault, onRemove }: DevicesProps) {
  if (devices.length === 0) return <p className="text-ink-3">None yet.</p>;
  return (
    <>
      <ul className="flex flex-col divide-y">
        {devices.map((one) => {
          const name = browserName(one.user_agent);
          return (
            <li key={one.id} className="flex items-center gap-3 py-2 first:pt-0 last:pb-0">
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium" title={one.user_agent}>
                  {name}
                  {one.is_current && <span className="font-normal text-idle"> · this one</span>}
                </p>
                <p className="text-ink-3">
                  turned on <Ago at={one.made_at} />
                </p>
                {one.failure !== null && (
                  <p className="break-words text-errored">The last notice did not get there: {one.failure}</p>
                )}
              </div>
              <Button
                size="small"
                busy={removing === one.id}
                aria-label={`Remove ${name}`}
                onClick={() => onRemove(one.id)}
              >
                Remove
              </Button>
            </li>
          );
        })}
      </ul>
      <Problem error={fault} />
    </>
  );
}
