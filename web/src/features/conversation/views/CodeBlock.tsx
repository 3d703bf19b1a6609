import { lazy, memo, Suspense } from "react";

import { arriving } from "@/ui/arriving";
import { CopyButton } from "@/ui/CopyButton";

const Highlighted = lazy(() =>
  arriving(() => import("./Highlighted")).catch(() => ({ default: ({ code }: { code: string }) => code })),
);

interface Props {
  code: string;
  language?: string | undefined;
}

/** Code of a text: its colours come when their program is loaded, and change no measure. */
export const CodeBlock = memo(function CodeBlock({ code, language }: Props) {
  const shown = code.replace(/\n$/, "");
  return (
    <figure className="group my-2 overflow-hidden rounded-lg border bg-sunken">
      <figcaption className="flex h-7 items-center justify-between pr-1 pl-3 text-xs text-ink-3">
        {language ?? "text"}
        <CopyButton text={shown} label="Copy code" />
      </figcaption>
      <pre tabIndex={0} className="overflow-x-auto px-3 pb-2.5 font-mono text-[0.8125rem] leading-5">
        <code>
          {language === undefined ? (
            shown
          ) : (
            <Suspense fallback={shown}>
              <Highlighted code={shown} language={language} />
            </Suspense>
          )}
        </code>
      </pre>
    </figure>
  );
});
