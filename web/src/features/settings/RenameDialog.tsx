import { useState } from "react";

import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Input } from "@/ui/fields";

import type { ListedUser } from "./people";

interface Props {
  /** Who is to be renamed; null: nobody, and nothing is shown. */
  user: ListedUser | null;
  /** Why the name was refused. */
  error: Error | null;
  isBusy: boolean;
  onClose: () => void;
  onRename: (name: string) => void;
}

/** Asks for a user's new name. */
export function RenameDialog({ user, error, isBusy, onClose, onRename }: Props) {
  const [name, setName] = useState(user?.name ?? "");
  const isSame = name.trim() === "" || name.trim().toLowerCase() === user?.name;
  return (
    <Dialog
      open={user !== null}
      onOpenChange={onClose}
      title={`Rename ${user?.name ?? ""}`}
      className="max-w-md"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="rename-user" tone="primary" busy={isBusy} disabled={isSame}>
            Rename
          </Button>
        </>
      }
    >
      <form
        id="rename-user"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isSame && !isBusy) onRename(name.trim());
        }}
      >
        <Field
          label="Name"
          hint="What they sign in with from then on; they stay signed in."
          error={error?.message}
        >
          {(control) => (
            <Input
              {...control}
              autoFocus
              autoComplete="off"
              autoCapitalize="none"
              maxLength={80}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
