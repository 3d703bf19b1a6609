import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import type { SignInBody } from "@/api/types";
import { Failed, Loading } from "@/ui/states";

import { readSignIn, signInKey } from "./calls";
import { LinkForm } from "./LinkForm";
import { Elsewhere } from "./Elsewhere";
import { PasswordForm } from "./PasswordForm";

interface Props {
  /** The secret of a one-time link. */
  link?: string | undefined;
  /** Where to go afterwards; not trusted. */
  to?: string | undefined;
  onDone: () => void;
}

/** Lets somebody in, by whatever ways this installation has. */
export function SignIn({ link, to, onDone }: Props) {
  return (
    <main className="h-full overflow-y-auto">
      <div className="grid min-h-full place-items-center px-4 py-10">
        <div className="w-full max-w-sm">
          <header className="mb-6 flex items-center gap-3">
            <img src="/icon.svg" alt="" className="size-10" />
            <div>
              <h1 className="text-xl leading-tight font-semibold tracking-tight">Lot</h1>
              <p className="text-ink-2">Coding sessions on your own machine</p>
            </div>
          </header>
          <div className="rounded-xl border bg-surface p-6 shadow-float">
            {link ? <LinkForm link={link} onDone={onDone} /> : <Ways to={to} onDone={onDone} />}
          </div>
        </div>
      </div>
    </main>
  );
}

function Ways({ to, onDone }: { to: string | undefined; onDone: () => void }) {
  const { data, error, refetch } = useQuery({ queryKey: signInKey, queryFn: readSignIn });
  const isIn = data?.is_signed_in === true;
  useEffect(() => {
    if (isIn) onDone();
  }, [isIn, onDone]);
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data || isIn) return <Loading />;
  if (!data.has_users) return <NobodyYet />;
  return <AllWays state={data} to={to} onDone={onDone} />;
}

function AllWays({ state, to, onDone }: { state: SignInBody; to: string | undefined; onDone: () => void }) {
  const elsewhere = state.methods.filter((method) => "url" in method);
  const hasPassword = state.methods.some((method) => method.kind === "password");
  return (
    <div className="flex flex-col gap-4">
      {elsewhere.length > 0 && <Elsewhere methods={elsewhere} to={to} />}
      {elsewhere.length > 0 && hasPassword && (
        <div className="flex items-center gap-3 text-ink-3 before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
          or
        </div>
      )}
      {hasPassword && <PasswordForm onDone={onDone} />}
    </div>
  );
}

function NobodyYet() {
  return (
    <div className="flex flex-col gap-3">
      <h2 className="text-base font-semibold">One step on the server first</h2>
      <p className="text-pretty text-ink-2">
        Nobody can sign in here yet. When it started, Lot printed a link that makes the first user: open that
        one.
      </p>
      <p className="text-pretty text-ink-2">
        Not at hand? <code className="text-ink">lot sign-in-link</code> prints another, on the machine that
        Lot runs on.
      </p>
    </div>
  );
}
