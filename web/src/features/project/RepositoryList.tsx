import { useQuery } from "@tanstack/react-query";
import { Lock, Search } from "lucide-react";
import { RadioGroup } from "radix-ui";
import { useState } from "react";

import { Input } from "@/ui/fields";
import { Empty, Failed, Loading } from "@/ui/states";

import { repositoriesQuery } from "./queries";

interface Props {
  account: string;
  value: string;
  onChoose: (fullName: string) => void;
}

const MAX_SHOWN = 100;

/** The repositories that an account was granted, narrowed by what is typed. */
export function RepositoryList({ account, value, onChoose }: Props) {
  const [wanted, setWanted] = useState("");
  const { data, error, refetch } = useQuery(repositoriesQuery(account));
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading label="Asking for repositories" />;
  const words = wanted.toLowerCase().split(/\s+/);
  const found = data.filter(({ full_name }) => words.every((word) => full_name.toLowerCase().includes(word)));
  return (
    <div className="overflow-hidden rounded-lg border bg-raised">
      <div className="relative border-b">
        <Search className="absolute top-2.5 left-3 size-4 text-ink-3" aria-hidden />
        <Input
          type="search"
          aria-label={`Search repositories of ${account}`}
          placeholder="Search"
          className="rounded-none border-0 pl-9"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      </div>
      {found.length === 0 && (
        <Empty
          title={data.length === 0 ? "No repository was granted" : "None has that name"}
          className="h-32"
        />
      )}
      <RadioGroup.Root
        aria-label="Repository"
        value={value}
        onValueChange={onChoose}
        className="max-h-64 overflow-y-auto p-1 empty:hidden"
      >
        {found.slice(0, MAX_SHOWN).map((one) => (
          <RadioGroup.Item
            key={one.full_name}
            value={one.full_name}
            className="flex min-h-9 w-full items-center gap-2 rounded-md px-2.5 text-left hover:bg-sunken data-[state=checked]:bg-accent-soft data-[state=checked]:font-medium"
          >
            <span className="min-w-0 flex-1 truncate">{one.full_name}</span>
            {!one.can_push && <span className="text-xs text-ink-2">read only</span>}
            {one.is_private && <Lock className="size-3.5 text-ink-3" aria-label="private" />}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
      {found.length > MAX_SHOWN && (
        <p className="border-t px-3 py-2 text-ink-3">
          {found.length - MAX_SHOWN} more: type a part of the name.
        </p>
      )}
    </div>
  );
}
