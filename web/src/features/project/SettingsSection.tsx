import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api, read } from "@/api/client";
import { keys } from "@/api/queries";
import type { ProjectBody } from "@/api/types";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";
import { tell } from "@/ui/toasts";

import { Problem, Section } from "./Page";
import { ProcessRows } from "./ProcessRows";
import { changesOf, faultOf, formOf, type ProjectForm } from "./project_form";
import { SizeCards } from "./SizeCards";
import { Toggle } from "./Toggle";

/** Everything of a project that can be changed, saved together. */
export function SettingsSection({ project }: { project: ProjectBody }) {
  const [edited, setEdited] = useState<Partial<ProjectForm>>({});
  const form = { ...formOf(project), ...edited };
  const changes = changesOf(project, form);
  const fault = faultOf(form);
  const isChanged = Object.keys(changes).length > 0;
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () =>
      read(
        api.PATCH("/api/projects/{project}", { params: { path: { project: project.id } }, body: changes }),
      ),
    onSuccess: (saved) => {
      setEdited({});
      client.setQueryData(keys.project(project.id), saved);
      void client.invalidateQueries({ queryKey: keys.projects });
      tell(saved.retry_needed ? "Saved. Commands and port count once the setup is redone." : "Saved.");
    },
  });
  const change = (changed: Partial<ProjectForm>) => setEdited({ ...edited, ...changed });
  return (
    <Section
      title="Settings"
      hint="Commands, port and image count for the next setup; size and branch for new sessions."
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (isChanged && fault === null && !save.isPending) save.mutate();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Text label="Name" value={form.name} onChange={(name) => change({ name })} />
          <Text label="Branch" value={form.branch} onChange={(branch) => change({ branch })} />
        </div>
        <Text
          label="Setup command"
          isCode
          placeholder="None"
          value={form.setupCommand}
          onChange={(setupCommand) => change({ setupCommand })}
        />
        <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
          <Text
            label="Dev command"
            isCode
            placeholder="None"
            value={form.devCommand}
            onChange={(devCommand) => change({ devCommand })}
          />
          <Text
            label="Port"
            placeholder="Found"
            value={form.port}
            onChange={(port) => change({ port: port.trim() })}
          />
        </div>
        <ProcessRows rows={form.processes} onChange={(processes) => change({ processes })} />
        <div>
          <p className="mb-1.5 font-medium">Size</p>
          <SizeCards value={form.size} onChoose={(size) => change({ size })} />
        </div>
        <Text
          label="Image"
          isCode
          placeholder="Debian with Python and Node.js"
          value={form.image}
          onChange={(image) => change({ image })}
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <Text
            label="Budget in tokens"
            placeholder="None"
            value={form.budgetTokens}
            onChange={(budgetTokens) => change({ budgetTokens: budgetTokens.trim() })}
          />
          <Text
            label="Budget in dollars"
            placeholder="None"
            value={form.budgetUsd}
            onChange={(budgetUsd) => change({ budgetUsd: budgetUsd.trim() })}
          />
        </div>
        <Toggle
          label="Browser verification"
          hint="Agents may open the app in a browser and look at what they did."
          checked={form.hasBrowser}
          onChange={(hasBrowser) => change({ hasBrowser })}
        />
        <Toggle
          label="Rebuild when stale"
          hint="Builds a new snapshot when files that it was made from have changed."
          checked={form.rebuildsWhenStale}
          onChange={(rebuildsWhenStale) => change({ rebuildsWhenStale })}
        />
        {isChanged && fault && (
          <p role="alert" className="text-errored">
            {fault}
          </p>
        )}
        <Problem error={save.error} />
        <div className="flex justify-end gap-2">
          {isChanged && <Button onClick={() => setEdited({})}>Discard</Button>}
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!isChanged || fault !== null}>
            Save
          </Button>
        </div>
      </form>
    </Section>
  );
}

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  isCode?: boolean;
}

function Text({ label, value, onChange, placeholder, isCode = false }: TextProps) {
  return (
    <Field label={label}>
      {(control) => (
        <Input
          {...control}
          {...(isCode && { className: "font-mono" })}
          spellCheck={false}
          autoCapitalize="none"
          placeholder={placeholder}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
