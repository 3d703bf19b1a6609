import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import type { BranchesBody } from "@/api/types";
import { Field, Input, Select } from "@/ui/fields";
import { Tabs } from "@/ui/Tabs";

import type { Draft, FieldName } from "./new_project";
import { accountsQuery, branchesQuery } from "./queries";
import { RepositoryList } from "./RepositoryList";

interface Props {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
  faults: Partial<Record<FieldName, string>>;
}

const BY_ADDRESS = "address";
const TYPING_MS = 600;

/** Where the code comes from: an address or a path, or one of an account's repositories; and the branch of it. */
export function SourceFields({ draft, onChange, faults }: Props) {
  const { data: accounts } = useQuery(accountsQuery);
  const typed = draft.source.trim();
  const source = useSettled(typed);
  const branches = useQuery(branchesQuery(source, draft.account));
  const refusal = source === typed ? branches.error?.message : undefined;
  const wrong = faults.source ?? faults.account ?? refusal;
  const choose = (value: string) =>
    onChange({ account: value === BY_ADDRESS ? "" : value, source: "", branch: "" });
  return (
    <div className="flex flex-col gap-4">
      {accounts && accounts.length > 0 && (
        <Tabs
          label="Where the repository is"
          value={draft.account || BY_ADDRESS}
          onChange={choose}
          tabs={[
            { value: BY_ADDRESS, name: "Address or path" },
            ...accounts.map((account) => ({ value: account.name, name: account.name })),
          ]}
          className="flex-wrap"
        />
      )}
      {draft.account ? (
        <div className="flex flex-col gap-1.5">
          <RepositoryList
            account={draft.account}
            value={draft.source}
            onChoose={(source) => onChange({ source, branch: "" })}
          />
          {wrong && (
            <p role="alert" className="text-errored">
              {wrong}
            </p>
          )}
        </div>
      ) : (
        <Field
          label="Address or path"
          hint={
            accounts?.length === 0 ? (
              <>
                To choose from a list,{" "}
                <Link
                  to="/settings/{-$section}"
                  params={{ section: "git" }}
                  className="text-accent underline underline-offset-4"
                >
                  connect a git account
                </Link>
                .
              </>
            ) : undefined
          }
          error={wrong}
        >
          {(control) => (
            <Input
              {...control}
              autoFocus
              autoCapitalize="none"
              spellCheck={false}
              placeholder="https://git.example/team/app.git, or /home/me/app on the server"
              value={draft.source}
              onChange={(event) => onChange({ source: event.target.value, branch: "" })}
            />
          )}
        </Field>
      )}
      <BranchField
        draft={draft}
        onChange={onChange}
        fault={faults.branch}
        branches={branches.data}
        isAsked={branches.isFetching}
      />
    </div>
  );
}

interface BranchProps extends Pick<Props, "draft" | "onChange"> {
  fault: string | undefined;
  branches: BranchesBody | undefined;
  isAsked: boolean;
}

function BranchField({ draft, onChange, fault, branches, isAsked }: BranchProps) {
  const branch = draft.branch || branches?.default || "";
  return (
    <Field
      label="Branch"
      hint={isAsked ? "Asking for its branches…" : "Sessions start from it, and pull requests go to it"}
      error={fault}
    >
      {(control) =>
        branches && branches.names.length > 0 ? (
          <Select
            {...control}
            className="max-w-sm"
            value={branch}
            onChange={(event) => onChange({ branch: event.target.value })}
          >
            {branches.names.map((name) => (
              <option key={name} value={name}>
                {name === branches.default ? `${name} (default)` : name}
              </option>
            ))}
          </Select>
        ) : (
          <Input
            {...control}
            className="max-w-sm"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="The repository's own"
            value={draft.branch}
            onChange={(event) => onChange({ branch: event.target.value })}
          />
        )
      }
    </Field>
  );
}

/** Returns a text once nobody has typed in it for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
