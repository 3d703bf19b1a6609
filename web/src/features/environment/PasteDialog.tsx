import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { Button } from "@/ui/Button";
import { classes } from "@/ui/classes";
import { Dialog } from "@/ui/Dialog";
import { Field, TextArea } from "@/ui/fields";

import { parseDotenv } from "./queries";

type Variables = Record<string, string>;

interface Props {
  /** What was pasted already. */
  text: string;
  readPresent: () => Promise<Variables>;
  onTake: (variables: Variables, present: Variables) => void;
  onClose: () => void;
}

/** Takes a whole `.env`: shows what the server reads in it, then makes it unsaved changes. */
export function PasteDialog({ text: given, readPresent, onTake, onClose }: Props) {
  const [text, setText] = useState(given);
  const reading = useMutation({
    mutationFn: async () => ({ variables: await parseDotenv(text), present: await readPresent() }),
  });
  const found = reading.data;
  const count = found ? Object.keys(found.variables).length : 0;
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
      title="Paste a .env file"
      description="Variables that are not in it stay as they are. Nothing is saved yet."
      actions={
        found ? (
          <>
            <Button onClick={() => reading.reset()}>Back</Button>
            <Button
              tone="primary"
              disabled={count === 0}
              onClick={() => onTake(found.variables, found.present)}
            >
              Take {count === 1 ? "it" : `these ${count}`}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button
              tone="primary"
              busy={reading.isPending}
              disabled={text.trim() === ""}
              onClick={() => reading.mutate()}
            >
              Read it
            </Button>
          </>
        )
      }
    >
      {found ? (
        <Found variables={found.variables} present={found.present} />
      ) : (
        <Field label="Its content" error={reading.error?.message}>
          {(control) => (
            <TextArea
              {...control}
              autoFocus
              spellCheck={false}
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                if (reading.isError) reading.reset();
              }}
              placeholder={
                "# comments, quotes, export and values of several lines are understood\nAPI_URL=https://…"
              }
              className="h-56 font-mono text-xs"
            />
          )}
        </Field>
      )}
    </Dialog>
  );
}

const WORDS = {
  new: "bg-added-soft text-added",
  changes: "bg-waiting-soft text-waiting",
  same: "bg-sunken text-ink-3",
};

function Found({ variables, present }: { variables: Variables; present: Variables }) {
  const names = Object.keys(variables);
  if (names.length === 0) return <p className="text-ink-2">There is no variable in it.</p>;
  return (
    <ul aria-label="What it sets" className="divide-y rounded-lg border">
      {names.map((name) => {
        const word = !(name in present) ? "new" : present[name] === variables[name] ? "same" : "changes";
        return (
          <li
            key={name}
            className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)_4.5rem] items-center gap-3 px-3 py-1.5 text-xs"
          >
            <span className="truncate font-mono font-medium" title={name}>
              {name}
            </span>
            <span className="truncate font-mono text-ink-2">{variables[name] || "(empty)"}</span>
            <span className={classes("justify-self-end rounded-full px-1.5", WORDS[word])}>{word}</span>
          </li>
        );
      })}
    </ul>
  );
}
