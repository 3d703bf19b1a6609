import type { ReactNode } from "react";

import { Button } from "./Button";
import { Dialog } from "./Dialog";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will happen, and what will not. */
  description: ReactNode;
  /** The verb on the button that acts. */
  confirm: string;
  cancel?: string;
  tone?: "primary" | "danger";
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back, or that interrupts. */
export function ConfirmDialog(props: Props) {
  const {
    open,
    onOpenChange,
    title,
    description,
    confirm,
    cancel = "Cancel",
    tone = "danger",
    onConfirm,
  } = props;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={description}
      className="max-w-md"
      actions={
        <>
          <Button onClick={() => onOpenChange(false)}>{cancel}</Button>
          <Button
            tone={tone}
            autoFocus
            onClick={() => {
              onOpenChange(false);
              onConfirm();
            }}
          >
            {confirm}
          </Button>
        </>
      }
    />
  );
}
