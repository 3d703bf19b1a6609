import type { ComponentProps, ReactNode } from "react";
import { useId } from "react";

import { classes } from "./classes";

const BOX =
  "bg-raised w-full rounded-lg border px-3 text-ink transition-colors hover:border-line-strong focus:border-accent focus:outline-2 focus:-outline-offset-1 focus:outline-focus disabled:opacity-50 aria-invalid:border-errored max-md:text-base";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={classes(BOX, "h-9", className)} {...rest} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={classes(BOX, "min-h-20 py-2", className)} {...rest} />;
}

/** The browser's own list of choices: right on every device, also without a mouse. */
export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select className={classes(BOX, "h-9 pr-8", className)} {...rest} />;
}

interface FieldProps {
  label: string;
  /** What is to be known before filling it in. */
  hint?: ReactNode;
  /** What is wrong with what is in it. */
  error?: ReactNode;
  /** Given the ids that tie the control to its label, hint and error. */
  children: (control: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": true | undefined;
  }) => ReactNode;
}

/** A control with its label, a hint, and what is wrong. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        "aria-describedby": note ? `${id}-note` : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {note && (
        <p
          id={`${id}-note`}
          role={error ? "alert" : undefined}
          className={error ? "text-errored" : "text-ink-3"}
        >
          {note}
        </p>
      )}
    </div>
  );
}
