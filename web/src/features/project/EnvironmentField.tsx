import { Field, TextArea } from "@/ui/fields";

import { variableNames } from "./new_project";

interface Props {
  value: string;
  onChange: (text: string) => void;
  fault?: string | undefined;
}

/** A place to paste a whole `.env`; the names in it are shown, their values stay in the box. */
export function EnvironmentField({ value, onChange, fault }: Props) {
  const names = variableNames(value);
  return (
    <div className="flex flex-col gap-2">
      <Field label="Paste a .env" hint="Stored encrypted, written to .env in every sandbox" error={fault}>
        {(control) => (
          <TextArea
            {...control}
            className="min-h-28 font-mono"
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            placeholder={"DATABASE_URL=postgres://…\nAPI_KEY=…"}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
      {names.length > 0 && (
        <ul aria-label="Variables in it" className="flex flex-wrap gap-1.5">
          {names.map((name) => (
            <li key={name} className="rounded-md bg-sunken px-2 py-0.5 font-mono text-xs text-ink-2">
              {name}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
