import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "@/api/client";
import { Ago } from "@/features/project/Ago";
import { Problem, Section } from "@/features/project/Page";
import { unsubscribe } from "@/features/push/browser_push";
import { readSignIn, signInKey, signOut } from "@/features/sign_in/calls";
import { NewPassword } from "@/features/sign_in/NewPassword";
import { passwordFault } from "@/features/sign_in/passwords";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/fields";
import { Failed, Loading } from "@/ui/states";
import { tell } from "@/ui/toasts";

import { browserName } from "./browser_name";
import { browsersQuery, settingsKeys } from "./queries";
import { TokensSection } from "./TokensSection";

const UNSUBSCRIBE_MS = 2_000;

/** Who is signed in, with what, and how to end it. */
export function AccountSection() {
  const { data: state } = useQuery({ queryKey: signInKey, queryFn: readSignIn });
  const leave = useMutation({
    mutationFn: async () => {
      await signOut();
      // The server has forgotten where to send notices already. That this browser does so, too, is not waited for long.
      const isLate = new Promise((resolve) => setTimeout(resolve, UNSUBSCRIBE_MS));
      await Promise.race([unsubscribe().catch(() => undefined), isLate]);
    },
    onSuccess: () => location.assign("/sign-in"),
  });
  return (
    <>
      <Section
        title="Account"
        actions={
          <Button busy={leave.isPending} onClick={() => leave.mutate()}>
            Sign out
          </Button>
        }
      >
        <p className="text-ink-2">
          {state?.user ? (
            <>
              Signed in as <span className="font-semibold text-ink">{state.user.name}</span>.
            </>
          ) : (
            "Signed in with the server's own token, which is nobody's."
          )}
        </p>
        <Problem error={leave.error} />
      </Section>
      {state?.user && <PasswordSection name={state.user.name} />}
      <BrowsersSection />
      <TokensSection />
    </>
  );
}

function PasswordSection({ name }: { name: string }) {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [repeated, setRepeated] = useState("");
  const [wasTried, setWasTried] = useState(false);
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () => api.PUT("/api/password", { body: { current, new: password } }),
    onSuccess: () => {
      setCurrent("");
      setPassword("");
      setRepeated("");
      setWasTried(false);
      tell("Password changed. Your other browsers are signed out.");
      void client.invalidateQueries({ queryKey: settingsKeys.browsers });
    },
  });
  const fault = passwordFault(password, repeated, { isOptional: false });
  return (
    <Section title="Password" hint="Changing it signs your other browsers out.">
      <form
        className="flex max-w-sm flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setWasTried(true);
          if (fault === null && !change.isPending) change.mutate();
        }}
      >
        <input type="hidden" autoComplete="username" value={name} />
        <Field label="Present password">
          {(control) => (
            <Input
              {...control}
              type="password"
              required
              autoComplete="current-password"
              value={current}
              onChange={(event) => setCurrent(event.target.value)}
            />
          )}
        </Field>
        <NewPassword
          password={password}
          repeated={repeated}
          onPassword={setPassword}
          onRepeated={setRepeated}
          fault={wasTried ? fault : null}
        />
        <Problem error={change.error} />
        <Button type="submit" className="self-start" busy={change.isPending}>
          Change password
        </Button>
      </form>
    </Section>
  );
}

function BrowsersSection() {
  const { data, error, refetch } = useQuery(browsersQuery);
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: (id: string) =>
      api.DELETE("/api/browser-sessions/{browser_session}", { params: { path: { browser_session: id } } }),
    onSettled: () => client.invalidateQueries({ queryKey: settingsKeys.browsers }),
  });
  return (
    <Section title="Browsers" hint="Where you are signed in. Signing one out ends its pages and previews.">
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.length === 0 ? (
        <p className="text-ink-3">None.</p>
      ) : (
        <ul className="flex flex-col divide-y">
          {data.map((one) => (
            <li key={one.id} className="flex items-center gap-3 py-2 first:pt-0 last:pb-0">
              <div className="min-w-0 flex-1">
                <p className="truncate font-medium" title={one.user_agent}>
                  {browserName(one.user_agent)}
                  {one.is_current && <span className="font-normal text-idle"> · this one</span>}
                </p>
                <p className="text-ink-3">
                  {one.address || "unknown address"}, seen <Ago at={one.last_seen_at} />
                </p>
              </div>
              {!one.is_current && (
                <Button
                  size="small"
                  busy={end.isPending && end.variables === one.id}
                  aria-label={`Sign out ${browserName(one.user_agent)}`}
                  onClick={() => end.mutate(one.id)}
                >
                  Sign out
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <Problem error={end.error} />
    </Section>
  );
}
