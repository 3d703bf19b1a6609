import { Plus } from "lucide-react";
import { type ClipboardEvent, type SubmitEvent, useRef, useState } from "react";

import { Button } from "@/ui/Button";
import { Input } from "@/ui/fields";

import { looksLikeDotenv, nameProblem } from "./edits";

interface Props {
  taken: readonly string[];
  onAdd: (name: string, value: string) => void;
  /** A whole `.env` was pasted. */
  onPaste: (text: string) => void;
}

/** Adds a variable to the unsaved changes. */
export function NewVariable({ taken, onAdd, onPaste }: Props) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const nameField = useRef<HTMLInputElement>(null);
  const problem = nameProblem(name, taken);

  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    if (name === "" || problem) return;
    onAdd(name, value);
    setName("");
    setValue("");
    nameField.current?.focus();
  };
  const onPasteName = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData("text");
    if (!looksLikeDotenv(text)) return;
    event.preventDefault();
    onPaste(text);
  };

  return (
    <form onSubmit={onSubmit} className="flex flex-col gap-1.5">
      <div className="grid gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
        <Input
          ref={nameField}
          aria-label="Name of a new variable"
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? "new-variable-problem" : undefined}
          placeholder="NAME"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          value={name}
          onChange={(event) => setName(event.target.value.trim())}
          onPaste={onPasteName}
          className="font-mono text-xs"
        />
        <Input
          aria-label="Its value"
          placeholder="value"
          spellCheck={false}
          autoComplete="off"
          value={value}
          onChange={(event) => setValue(event.target.value)}
          className="font-mono text-xs"
        />
        <Button type="submit" disabled={name === "" || problem !== null}>
          <Plus /> Add
        </Button>
      </div>
      {problem && (
        <p id="new-variable-problem" role="alert" className="text-errored">
          {problem}
        </p>
      )}
    </form>
  );
}
