import { Ago } from "@/features/project/Ago";
import { Button } from "@/ui/Button";

import { type ListedUser, reasonToKeep, waysIn } from "./people";

interface Props {
  users: readonly ListedUser[];
  onRename: (user: ListedUser) => void;
  onRemove: (user: ListedUser) => void;
}

/** The users, with how they sign in and when they were last seen. */
export function UserList({ users, onRename, onRemove }: Props) {
  if (users.length === 0) return <p className="text-ink-3">None yet: the first one comes by a link.</p>;
  return (
    <ul className="flex flex-col divide-y">
      {users.map((user) => {
        const kept = reasonToKeep(user, users);
        return (
          <li key={user.id} className="flex flex-wrap items-center gap-x-3 gap-y-2 py-2 first:pt-0 last:pb-0">
            <div className="min-w-0 flex-1 basis-56">
              <p className="truncate font-medium" title={user.name}>
                {user.name}
                {user.is_current && <span className="font-normal text-idle"> · you</span>}
              </p>
              <p className="text-pretty break-words text-ink-3">
                {waysIn(user)}; joined <Ago at={user.created_at} />,{" "}
                {user.last_seen_at ? (
                  <>
                    seen <Ago at={user.last_seen_at} />
                  </>
                ) : (
                  "signed in nowhere"
                )}
                {kept && `. ${kept}`}
              </p>
            </div>
            <div className="flex gap-2">
              <Button size="small" aria-label={`Rename ${user.name}`} onClick={() => onRename(user)}>
                Rename
              </Button>
              {!kept && (
                <Button size="small" aria-label={`Remove ${user.name}`} onClick={() => onRemove(user)}>
                  Remove
                </Button>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
