import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { api, read } from "@/api/client";
import { ApiError } from "@/api/errors";
import { keys, settingsQuery } from "@/api/queries";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";

import { AdvancedFields } from "./AdvancedFields";
import { EnvironmentField } from "./EnvironmentField";
import { bodyOf, EMPTY, faultsOf, fieldOf, nameOf, type Draft, type FieldName } from "./new_project";
import { Page, Problem, Section } from "./Page";
import { SizeCards } from "./SizeCards";
import { SourceFields } from "./SourceFields";
import { Toggle } from "./Toggle";

/** What was typed and not created yet: still there for who comes back. In memory only, as it may hold secrets. */
let kept: Draft = EMPTY;

/** Everything a project is made from, on one page; Create goes over into its setup, live. */
export default function NewProjectPage() {
  const [draft, setDraft] = useState(kept);
  const [faults, setFaults] = useState<Partial<Record<FieldName, string>>>({});
  const { data: settings } = useQuery(settingsQuery);
  const size = draft.size || (settings?.size.value ?? "");
  const form = useFirstFault(faults);
  const navigate = useNavigate();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () => read(api.POST("/api/projects", { body: bodyOf(draft, size) })),
    onSuccess: (project) => {
      kept = EMPTY;
      client.setQueryData(keys.project(project.id), project);
      void client.invalidateQueries({ queryKey: keys.projects });
      return project.setup_session
        ? navigate({ to: "/sessions/$session/{-$panel}", params: { session: project.setup_session } })
        : navigate({ to: "/projects/$project", params: { project: project.id } });
    },
    onError: (error) => {
      const field = error instanceof ApiError ? fieldOf(error.code, error.message) : null;
      if (field !== null) setFaults({ [field]: error.message });
    },
  });
  const change = (changes: Partial<Draft>) => {
    kept = { ...draft, ...changes };
    setDraft(kept);
    setFaults({});
  };
  const begin = () => {
    const found = faultsOf(draft);
    setFaults(found);
    if (Object.keys(found).length === 0 && !create.isPending) create.mutate();
  };
  const isOfWhole = create.error !== null && Object.keys(faults).length === 0;
  return (
    <Page
      className="max-w-2xl"
      title="New project"
      subtitle="A repository with its settings. Lot prepares it once; every session then starts from that."
    >
      <form
        ref={form}
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          begin();
        }}
        noValidate
      >
        <Section title="Repository">
          <div className="flex flex-col gap-4">
            <SourceFields draft={draft} onChange={change} faults={faults} />
            <Field label="Name" error={faults.name}>
              {(control) => (
                <Input
                  {...control}
                  className="max-w-sm"
                  maxLength={80}
                  spellCheck={false}
                  placeholder={nameOf(draft.source) || "From the repository"}
                  value={draft.name}
                  onChange={(event) => change({ name: event.target.value })}
                />
              )}
            </Field>
          </div>
        </Section>
        <Section title="Size" hint="Of each sandbox. It can be changed later, for sessions that start then.">
          <SizeCards value={size} onChoose={(chosen) => change({ size: chosen })} />
          {faults.size && (
            <p role="alert" className="mt-1.5 text-errored">
              {faults.size}
            </p>
          )}
        </Section>
        <Section title="Environment variables">
          <EnvironmentField
            value={draft.environment}
            onChange={(environment) => change({ environment })}
            fault={faults.environment}
          />
        </Section>
        <Section title="Agents">
          <div className="flex flex-col gap-4">
            <Toggle
              label="Browser verification"
              hint="Agents may open the app in a browser and look at what they did."
              checked={draft.hasBrowser}
              onChange={(hasBrowser) => change({ hasBrowser })}
            />
            <Toggle
              label="Rebuild when stale"
              hint="Builds a new snapshot when files that it was made from have changed."
              checked={draft.rebuildsWhenStale}
              onChange={(rebuildsWhenStale) => change({ rebuildsWhenStale })}
            />
          </div>
        </Section>
        <AdvancedFields draft={draft} onChange={change} faults={faults} />
        <Problem error={isOfWhole ? create.error : null} />
        <div className="flex items-center justify-end gap-3">
          {create.isPending && <span className="text-ink-3">Fetching the repository…</span>}
          <Button type="submit" tone="primary" busy={create.isPending}>
            Create project
          </Button>
        </div>
      </form>
    </Page>
  );
}

/** Brings the first thing that is wrong in a form into sight, and the keyboard to it, once something is found wrong. */
function useFirstFault(faults: Partial<Record<FieldName, string>>) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (Object.keys(faults).length === 0) return;
    const first = form.current?.querySelector<HTMLElement>("[aria-invalid=true], [role=alert]:not(:empty)");
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "center" });
  }, [faults]);
  return form;
}
