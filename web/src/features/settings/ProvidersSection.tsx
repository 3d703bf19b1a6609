import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, CircleAlert } from "lucide-react";
import { useState } from "react";

import { api, read } from "@/api/client";
import { keys, providersQuery } from "@/api/queries";
import type { ProviderBody } from "@/api/types";
import { Problem, Section } from "@/features/project/Page";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Field, Input, Select } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";
import { tell } from "@/ui/toasts";

const KINDS = { api_key: "API key", auth_token: "Subscription token" };

/** What answers in sessions: whether each can be used, and with what key. A key goes in and is never shown. */
export function ProvidersSection() {
  const { data, error, refetch } = useQuery(providersQuery);
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  return data.map((provider) => <Provider key={provider.name} provider={provider} />);
}

function Provider({ provider }: { provider: ProviderBody }) {
  const [isSetting, setIsSetting] = useState(false);
  const [isRemoving, setIsRemoving] = useState(false);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      api.DELETE("/api/providers/{name}/credential", { params: { path: { name: provider.name } } }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.providers }),
  });
  const isOfEnvironment = provider.key_origin === "environment";
  return (
    <Section
      title={provider.name}
      hint={provider.is_scripted ? "Plays a script, asks no model: to try things out" : undefined}
      actions={
        provider.needs_key &&
        !isOfEnvironment &&
        !isSetting && (
          <>
            {provider.key_kind !== null && (
              <Button busy={remove.isPending} onClick={() => setIsRemoving(true)}>
                Remove key
              </Button>
            )}
            <Button
              tone={provider.key_kind === null ? "primary" : "plain"}
              onClick={() => setIsSetting(true)}
            >
              {provider.key_kind === null ? "Set a key" : "Replace key"}
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-3">
        <p className="flex items-start gap-2 [&_svg]:mt-0.5 [&_svg]:size-4 [&_svg]:shrink-0">
          {provider.is_ready ? (
            <>
              <Check className="text-idle" aria-hidden />
              <span>
                Ready, {provider.models.length} {provider.models.length === 1 ? "model" : "models"}
              </span>
            </>
          ) : (
            <>
              <CircleAlert className="text-errored" aria-hidden />
              <span className="min-w-0 break-words">{reasonOf(provider)}</span>
            </>
          )}
        </p>
        {provider.key_kind !== null && (
          <p className="text-ink-2">
            {KINDS[provider.key_kind]},{" "}
            {isOfEnvironment
              ? "set by the server's environment: it counts before a stored one, and is changed only there."
              : "stored encrypted."}
          </p>
        )}
        {provider.base_url && (
          <p className="text-ink-3">
            Asked at <span className="font-mono text-xs">{provider.base_url}</span>
          </p>
        )}
        <Problem error={remove.error} />
        {isSetting && <KeyForm provider={provider} onClose={() => setIsSetting(false)} />}
      </div>
      <ConfirmDialog
        open={isRemoving}
        onOpenChange={setIsRemoving}
        title={`Remove the key of ${provider.name}?`}
        description="Sessions cannot ask it from the next request on, until there is another key."
        confirm="Remove key"
        onConfirm={() => remove.mutate()}
      />
    </Section>
  );
}

/** Why it cannot be asked; the server's own words name ways that are not of this page. */
function reasonOf(provider: ProviderBody): string {
  if (provider.needs_key && provider.key_kind === null) return "It has no key yet: sessions cannot ask it.";
  return provider.reason ?? "It cannot be asked.";
}

function KeyForm({ provider, onClose }: { provider: ProviderBody; onClose: () => void }) {
  const [kind, setKind] = useState<keyof typeof KINDS>(provider.key_kind ?? "api_key");
  const [value, setValue] = useState("");
  const [baseUrl, setBaseUrl] = useState("");
  const client = useQueryClient();
  const store = useMutation({
    mutationFn: () =>
      read(
        api.PUT("/api/providers/{name}/credential", {
          params: { path: { name: provider.name } },
          body: { kind, value: value.trim(), base_url: baseUrl.trim() || null },
        }),
      ),
    onSuccess: () => {
      tell(`The key of ${provider.name} is in use from now on.`);
      void client.invalidateQueries({ queryKey: keys.providers });
      onClose();
    },
  });
  return (
    <form
      className="flex max-w-md flex-col gap-4 border-t pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (value.trim() && !store.isPending) store.mutate();
      }}
    >
      <Field label="Kind">
        {(control) => (
          <Select
            {...control}
            value={kind}
            onChange={(event) => setKind(event.target.value as keyof typeof KINDS)}
          >
            <option value="api_key">{KINDS.api_key}</option>
            <option value="auth_token">{KINDS.auth_token} of your own</option>
          </Select>
        )}
      </Field>
      <Field
        label={KINDS[kind]}
        hint="Tried with the provider, then stored encrypted. Nothing gives it back."
      >
        {(control) => (
          <Input
            {...control}
            autoFocus
            type="password"
            autoComplete="off"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <Field label="Address" hint="Only for another server that speaks the same API">
        {(control) => (
          <Input
            {...control}
            type="url"
            placeholder="The provider's own"
            value={baseUrl}
            onChange={(event) => setBaseUrl(event.target.value)}
          />
        )}
      </Field>
      <Problem error={store.error} />
      <div className="flex gap-2">
        <Button type="submit" tone="primary" busy={store.isPending} disabled={value.trim() === ""}>
          Store key
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </form>
  );
}
