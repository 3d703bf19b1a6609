import { useQuery } from "@tanstack/react-query";
import { RadioGroup } from "radix-ui";

import { bytesOf } from "@/ui/format";
import { Facts, Section } from "@/features/project/Page";
import { Toggle } from "@/features/project/Toggle";
import { useNoticeSwitch } from "@/features/notices/switch";
import { PushDevices, PushSwitch } from "@/features/push/PushView";
import { usePush } from "@/features/push/use_push";
import { Failed, Loading } from "@/ui/states";
import { chooseTheme, useTheme, type ThemeChoice } from "@/ui/theme";

import { hostQuery } from "./queries";

const THEMES: readonly { value: ThemeChoice; name: string }[] = [
  { value: "system", name: "As the system" },
  { value: "light", name: "Light" },
  { value: "dark", name: "Dark" },
];

/** How this browser shows Lot. */
export function AppearanceSection() {
  const { choice } = useTheme();
  return (
    <Section title="Appearance" hint="On this browser">
      <RadioGroup.Root
        aria-label="Theme"
        value={choice}
        onValueChange={(value) => chooseTheme(value as ThemeChoice)}
        className="flex flex-wrap gap-2"
      >
        {THEMES.map((theme) => (
          <RadioGroup.Item
            key={theme.value}
            value={theme.value}
            className="h-9 rounded-lg border bg-raised px-3.5 font-medium transition-colors hover:border-line-strong data-[state=checked]:border-accent data-[state=checked]:bg-accent-soft"
          >
            {theme.name}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </Section>
  );
}

const NOTICE_HINTS = {
  unsupported: "This browser shows none.",
  denied: "This browser was told to refuse them: allow them in its settings for this site.",
  ask: "The browser will ask you whether it may.",
  on: "When a session needs you, is done or failed while you look elsewhere and a page of Lot is open somewhere.",
  off: "When a session needs you, is done or failed while you look elsewhere and a page of Lot is open somewhere.",
};

/** Whether this browser tells of sessions while one looks elsewhere, and while no page of Lot is open. */
export function NoticesSection() {
  const { state, change } = useNoticeSwitch();
  const push = usePush(() => change(true));
  return (
    <>
      <Section title="Notices" hint="On this browser">
        <div className="flex flex-col gap-5">
          <Toggle
            label="Show notices"
            hint={NOTICE_HINTS[state]}
            checked={state === "on"}
            disabled={state === "unsupported" || state === "denied"}
            onChange={(isWanted) => {
              void change(isWanted);
              if (!isWanted && push.state === "on") push.change.mutate(false);
            }}
          />
          <PushSwitch
            state={push.state}
            reason={push.server.data?.reason ?? null}
            fault={push.change.error ?? push.server.error}
            isBusy={push.change.isPending}
            onChange={push.change.mutate}
          />
        </div>
      </Section>
      {push.server.data && (
        <Section
          title="Devices"
          hint="Your browsers that are told while Lot is not open in them. Each ends when it is signed out."
        >
          <PushDevices
            devices={push.server.data.devices}
            removing={push.remove.isPending ? push.remove.variables : null}
            fault={push.remove.error}
            onRemove={push.remove.mutate}
          />
        </Section>
      )}
    </>
  );
}

/** The server, and how much it has left. */
export function AboutSection() {
  const { data, error, refetch } = useQuery(hostQuery);
  return (
    <Section title="About">
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <Facts
            facts={[
              { name: "Lot", value: data.version },
              {
                name: "Provider",
                value: data.is_scripted ? `${data.provider} (a script, no model)` : data.provider,
              },
              { name: "Memory available", value: bytesOf(data.memory_available_bytes) },
              { name: "Disk free", value: bytesOf(data.disk_free_bytes) },
              { name: "Sessions on", value: data.sessions_on },
              { name: "Sandboxes on this host", value: data.sandboxes.length },
            ]}
          />
          <p className="mt-4 text-pretty text-ink-3">
            <code className="text-ink-2">lot doctor</code> on the server examines the machine. The API is
            described at{" "}
            <a
              href="/docs"
              target="_blank"
              rel="noreferrer"
              className="text-accent underline underline-offset-4"
            >
              /docs
            </a>
            .
          </p>
        </>
      )}
    </Section>
  );
}
