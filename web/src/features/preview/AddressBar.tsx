import { Copy, ExternalLink, House, Monitor, RotateCw, Smartphone, Tablet } from "lucide-react";
import { type ReactNode, useState } from "react";

import type { PortBody } from "@/api/types";
import { Select } from "@/ui/fields";
import { IconButton } from "@/ui/IconButton";

import { type Device, pathOf } from "./address";

interface Props {
  path: string;
  ports: readonly PortBody[];
  /** The one that is shown or waited for; null: the project has none. */
  port: number | null;
  main: number | null;
  device: Device;
  isShown: boolean;
  onGo: (path: string) => void;
  onReload: () => void;
  onPort: (port: number) => void;
  onDevice: (device: Device) => void;
  onOpenTab: () => void;
  onCopy: () => void;
}

const FACES: Record<Device, { label: string; icon: ReactNode }> = {
  full: { label: "As wide as the panel", icon: <Monitor /> },
  tablet: { label: "As on a tablet (768 px)", icon: <Tablet /> },
  phone: { label: "As on a phone (390 px)", icon: <Smartphone /> },
};

export function AddressBar(props: Props) {
  const [typed, setTyped] = useState(props.path);
  const { ports, port, main, isShown } = props;
  const listed =
    port === null || ports.some((one) => one.port === port)
      ? ports.map((one) => one.port)
      : [port, ...ports.map((one) => one.port)];
  const nameOf = (number: number) => {
    const name = ports.find((one) => one.port === number)?.name;
    return `${number}${name ? ` · ${name}` : ""}${number === main && !name ? " · app" : ""}`;
  };
  return (
    <div className="flex h-10 shrink-0 items-center gap-1 border-b bg-surface px-1.5">
      <IconButton label="Load anew" disabled={!isShown} onClick={props.onReload}>
        <RotateCw />
      </IconButton>
      <IconButton label="Go to the app's first page" disabled={!isShown} onClick={() => props.onGo("/")}>
        <House />
      </IconButton>
      <form
        className="flex h-7 min-w-0 flex-1 items-center rounded-lg border bg-raised focus-within:border-accent"
        onSubmit={(event) => {
          event.preventDefault();
          props.onGo(pathOf(typed));
          setTyped(pathOf(typed));
        }}
      >
        <Select
          aria-label="Port"
          value={port ?? ""}
          disabled={listed.length === 0}
          onChange={(event) => props.onPort(Number(event.target.value))}
          className="h-6 w-auto max-w-32 shrink-0 rounded-r-none border-0 border-r bg-transparent pr-1 pl-2 text-xs text-ink-2 max-md:text-xs"
        >
          {listed.length === 0 && <option value="">No port</option>}
          {listed.map((number) => (
            <option key={number} value={number}>
              {nameOf(number)}
            </option>
          ))}
        </Select>
        <input
          aria-label="Path"
          value={typed}
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          inputMode="url"
          onFocus={(event) => event.target.select()}
          onChange={(event) => setTyped(event.target.value)}
          className="h-full min-w-0 flex-1 bg-transparent px-2 font-mono text-xs outline-none max-md:text-base"
        />
        <IconButton label="Copy address" size="small" className="mr-0.5" onClick={props.onCopy}>
          <Copy />
        </IconButton>
      </form>
      <div role="group" aria-label="Width" className="flex max-md:hidden">
        {(Object.keys(FACES) as Device[]).map((device) => (
          <IconButton
            key={device}
            label={FACES[device].label}
            aria-pressed={props.device === device}
            onClick={() => props.onDevice(device)}
          >
            {FACES[device].icon}
          </IconButton>
        ))}
      </div>
      <IconButton label="Open in a new tab" disabled={!isShown} onClick={props.onOpenTab}>
        <ExternalLink />
      </IconButton>
    </div>
  );
}
