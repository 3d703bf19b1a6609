import { LogIn } from "lucide-react";

import type { SignInBody } from "@/api/types";

import { destinationOf } from "./destination";

interface Props {
  methods: Extract<SignInBody["methods"][number], { url: string }>[];
  to: string | undefined;
}

/** Ways in by somebody else's word: a company's own sign-in, or a git host. */
export function Elsewhere({ methods, to }: Props) {
  return (
    <ul className="flex flex-col gap-2">
      {methods.map((method) => (
        <li key={method.name}>
          <a
            href={addressOf(method.url, to)}
            className="flex h-10 items-center justify-center gap-2 rounded-lg border bg-raised px-3.5 font-medium transition-colors hover:border-line-strong hover:bg-sunken [&_svg]:size-4 [&_svg]:text-ink-3"
          >
            <LogIn aria-hidden />
            Sign in with {method.name}
          </a>
        </li>
      ))}
    </ul>
  );
}

function addressOf(begin: string, to: string | undefined): string {
  const url = new URL(begin, location.origin);
  url.searchParams.set("to", destinationOf(to, location.origin));
  return url.href;
}
