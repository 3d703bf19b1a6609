/** For tests: defaults of which a model was chosen, and who has models. */
import type { ProviderBody, SettingsBody } from "@/api/types";

export const SETTINGS: SettingsBody = {
  model: {
    value: "opus",
    provider: "anthropic",
    origin: "chosen",
    configured: "sonnet",
    configured_provider: "anthropic",
  },
  effort: { value: "default", origin: "configuration", configured: "default" },
  mode: { value: "full", origin: "configuration", configured: "full" },
  size: { value: "small", origin: "configuration", configured: "small" },
  idle_countdown_s: { value: 300, origin: "configuration", configured: 300 },
};

const PROVIDER: ProviderBody = {
  name: "anthropic",
  is_scripted: false,
  is_ready: false,
  reason: "no key is set",
  models: [
    { id: "sonnet", name: "Sonnet, the newest" },
    { id: "opus", name: "Opus, the newest" },
  ],
  needs_key: true,
  key_kind: null,
  key_origin: null,
  base_url: null,
};

export const PROVIDERS: ProviderBody[] = [
  PROVIDER,
  {
    ...PROVIDER,
    name: "rehearsal",
    is_scripted: true,
    is_ready: true,
    reason: null,
    models: [{ id: "rehearsal", name: "rehearsal" }],
    needs_key: false,
  },
];
