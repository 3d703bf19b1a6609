import { Toaster, toast } from "sonner";

import { useTheme } from "./theme";

/** Short notices at the edge of the page; placed once, in main.tsx. */
export function Toasts() {
  const { dark } = useTheme();
  return (
    <Toaster
      theme={dark ? "dark" : "light"}
      position="bottom-center"
      toastOptions={{ className: "!bg-raised !text-ink !border-line !shadow-float !font-sans" }}
    />
  );
}

/** Tells of something that was done. */
export function tell(text: string): void {
  toast(text);
}

/** Tells of something that failed, with the server's words. Fits `onError` of a mutation. */
export function tellError(error: unknown): void {
  toast.error(error instanceof Error ? error.message : String(error));
}
