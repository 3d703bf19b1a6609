import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";

import { Button } from "@/ui/Button";
import { tellError } from "@/ui/toasts";
import { copyText } from "@/ui/clipboard";

interface Props {
  /** What it is, and that it is not shown again. */
  children: ReactNode;
  secret: string;
}

/** A secret that was made just now, to be copied. */
export function ShownOnce({ children, secret }: Props) {
  const [copied, setCopied] = useState<string | null>(null);
  const isCopied = copied === secret;
  const copy = () => copyText(secret).then(() => setCopied(secret), tellError);
  return (
    <div role="status" className="flex flex-col gap-2 rounded-lg bg-accent-soft px-3 py-2.5">
      <p>{children}</p>
      <div className="flex items-center gap-2">
        <code className="min-w-0 flex-1 rounded-md bg-raised px-2 py-1 font-mono text-xs break-all">
          {secret}
        </code>
        <Button size="small" onClick={() => void copy()}>
          {isCopied ? <Check aria-hidden /> : <Copy aria-hidden />}
          {isCopied ? "Copied" : "Copy"}
        </Button>
      </div>
    </div>
  );
}
