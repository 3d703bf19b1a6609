/** What new sessions and projects start from, as it is being edited, and where a refusal belongs. Pure. */
import type { ProviderBody, SettingsBody, SettingsChanges } from "@/api/types";
import { EFFORTS, MODES } from "@/features/conversation/agent_choices";

export type DefaultName = keyof SettingsBody;

/** Each default as its control has it: the model as `modelKey`, the countdown in minutes. */
export type DefaultsForm = Record<DefaultName, string>;

const MIN_MINUTES = 0.5;
const MAX_MINUTES = 24 * 60;

/** A model with its provider, as one value of a list of choices. */
export function modelKey(provider: string, model: string): string {
  return JSON.stringify([provider, model]);
}

export function formOf(settings: SettingsBody): DefaultsForm {
  return {
    model: modelKey(settings.model.provider, settings.model.value),
    effort: settings.effort.value,
    mode: settings.mode.value,
    size: settings.size.value,
    idle_countdown_s: minutesOf(settings.idle_countdown_s.value),
  };
}

/** Returns what differs from what counts now, as the server takes it. */
export function changesOf(settings: SettingsBody, form: DefaultsForm): SettingsChanges {
  const before = formOf(settings);
  const isNew = (name: DefaultName) => form[name] !== before[name];
  const [provider, model] = JSON.parse(form.model) as [string, string];
  return {
    ...(isNew("model") && { model, provider }),
    ...(isNew("effort") && { effort: form.effort as SettingsBody["effort"]["value"] }),
    ...(isNew("mode") && { mode: form.mode as SettingsBody["mode"]["value"] }),
    ...(isNew("size") && { size: form.size }),
    ...(isNew("idle_countdown_s") && { idle_countdown_s: secondsOf(form.idle_countdown_s) }),
  };
}

/** Returns what is wrong with the countdown, or null. */
export function countdownFault(minutes: string): string | null {
  const isWithin = secondsOf(minutes) >= MIN_MINUTES * 60 && secondsOf(minutes) <= MAX_MINUTES * 60;
  return isWithin ? null : "Choose from half a minute (0.5) to 24 hours (1440).";
}

const BY_WORDS: readonly [RegExp, DefaultName][] = [
  [/^(default model:|there is no provider)/, "model"],
  [/^default size:/, "size"],
  [/^idle countdown:/, "idle_countdown_s"],
];
const NAMES: readonly string[] = ["model", "effort", "mode", "size", "idle_countdown_s"];

/** Returns the default that a refusal is about; null: the whole. */
export function fieldOf(message: string): DefaultName | null {
  const field = /^body\.(\w+)/.exec(message)?.[1];
  if (field !== undefined && NAMES.includes(field)) return field as DefaultName;
  return BY_WORDS.find(([words]) => words.test(message))?.[1] ?? null;
}

/** Returns what the server's configuration says of each default, in the words of its control. */
export function configuredWords(settings: SettingsBody, providers: readonly ProviderBody[]): DefaultsForm {
  const { model, effort, mode, size, idle_countdown_s: countdown } = settings;
  const name = providers
    .find((provider) => provider.name === model.configured_provider)
    ?.models.find((one) => one.id === model.configured)?.name;
  return {
    model: `${name ?? model.configured} of ${model.configured_provider}`,
    effort: EFFORTS.find((one) => one.value === effort.configured)?.name ?? effort.configured,
    mode: MODES.find((one) => one.value === mode.configured)?.name ?? mode.configured,
    size: size.configured,
    idle_countdown_s: `${minutesOf(countdown.configured)} min`,
  };
}

/** Returns the models to choose from by provider; the one that counts now is among them, whatever providers list. */
export function modelChoices(
  settings: SettingsBody,
  providers: readonly ProviderBody[],
): { provider: string; isReady: boolean; models: { value: string; name: string }[] }[] {
  const { provider: present, value } = settings.model;
  const choices = providers.map((provider) => ({
    provider: provider.name,
    isReady: provider.is_ready,
    models: provider.models.map((model) => ({
      value: modelKey(provider.name, model.id),
      name: model.name,
    })),
  }));
  let own = choices.find((choice) => choice.provider === present);
  if (own === undefined) choices.push((own = { provider: present, isReady: true, models: [] }));
  if (!own.models.some((model) => model.value === modelKey(present, value))) {
    own.models.unshift({ value: modelKey(present, value), name: value });
  }
  return choices;
}

function minutesOf(seconds: number): string {
  return String(Number((seconds / 60).toFixed(2)));
}

/** Whole seconds; NaN where it is no number. */
function secondsOf(minutes: string): number {
  const text = minutes.trim().replace(",", ".");
  return text === "" ? NaN : Math.round(Number(text) * 60);
}
