import { Field, Input } from "@/ui/fields";

interface Props {
  name: string;
  url: string;
  /** What the name is where none is given. */
  placeholder: string;
  onName: (name: string) => void;
  onUrl: (url: string) => void;
}

/** What an account is called here, and where its host is. */
export function NameAndServer({ name, url, placeholder, onName, onUrl }: Props) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Name">
        {(control) => (
          <Input
            {...control}
            placeholder={placeholder}
            value={name}
            onChange={(event) => onName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Server">
        {(control) => (
          <Input
            {...control}
            type="url"
            placeholder="https://github.com"
            value={url}
            onChange={(event) => onUrl(event.target.value)}
          />
        )}
      </Field>
    </div>
  );
}
