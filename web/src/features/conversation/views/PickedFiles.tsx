import { FileText, X } from "lucide-react";
import { useEffect, useRef } from "react";

import { bytesOf } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";

import type { PickedFile } from "../attachments";

interface Props {
  files: readonly PickedFile[];
  onRemove: (file: PickedFile) => void;
}

/** Files that go with the next message. */
export function PickedFiles({ files, onRemove }: Props) {
  if (files.length === 0) return null;
  return (
    <ul aria-label="Attached files" className="flex flex-wrap gap-2 px-3 pt-3">
      {files.map((file, index) => (
        <li key={index} className="flex items-center gap-2 rounded-lg border bg-surface py-1 pr-1 pl-1.5">
          <Picture file={file} />
          <span className="max-w-40 truncate">{file.name}</span>
          <span className="text-xs text-ink-3">{bytesOf(file.bytes)}</span>
          <IconButton size="small" label={`Remove ${file.name}`} onClick={() => onRemove(file)}>
            <X />
          </IconButton>
        </li>
      ))}
    </ul>
  );
}

function Picture({ file }: { file: PickedFile }) {
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    if (image.current === null) return;
    const url = URL.createObjectURL(file.file);
    image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [file]);
  if (!file.mediaType.startsWith("image/")) return <FileText className="m-1 size-4 text-ink-3" aria-hidden />;
  return <img ref={image} alt="" className="size-7 rounded object-cover" />;
}
