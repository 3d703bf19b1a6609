import { type KeyboardEvent, useState } from "react";

import { Button } from "@/ui/Button";
import { TextArea } from "@/ui/fields";

import { type Anchor, placeOf } from "./comment";

interface Props {
  anchor: Anchor;
  onComment: (comment: string, how: "draft" | "now") => void;
  onCancel: () => void;
}

/** Where a comment on lines is written: for the message that is being written, or to be sent at once. */
export function CommentBox({ anchor, onComment, onCancel }: Props) {
  const [comment, setComment] = useState("");
  const isEmpty = comment.trim() === "";

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isEmpty) {
      event.preventDefault();
      event.stopPropagation();
      onComment(comment, "draft");
    }
  };

  return (
    <div className="flex max-w-2xl flex-col gap-2 border-y bg-raised p-3">
      <TextArea
        autoFocus
        aria-label={`Comment on ${placeOf(anchor)}`}
        placeholder={`What should be done at ${placeOf(anchor)}?`}
        value={comment}
        onChange={(event) => setComment(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="flex flex-wrap items-center gap-2">
        <Button tone="primary" size="small" disabled={isEmpty} onClick={() => onComment(comment, "draft")}>
          Add to message
        </Button>
        <Button size="small" disabled={isEmpty} onClick={() => onComment(comment, "now")}>
          Send now
        </Button>
        <Button tone="quiet" size="small" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
