import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";

import { IconButton } from "./IconButton";
import { tellError } from "./toasts";
import { copyText } from "./clipboard";

interface Props {
  text: string;
  label?: string;
  className?: string;
}

/** Copies a text, and shows for a moment that it did. */
export function CopyButton({ text, label = "Copy", className }: Props) {
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setIsCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    copyText(text).then(() => setIsCopied(true), tellError);
  };
  return (
    <IconButton label={isCopied ? "Copied" : label} size="small" onClick={copy} className={className}>
      {isCopied ? <Check /> : <Copy />}
    </IconButton>
  );
}
