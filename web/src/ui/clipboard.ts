/** Copying, also where browsers have no clipboard for pages: over plain HTTP from another machine. */

/** Copies a text; refuses with the next step where the browser does not let it. */
export async function copyText(text: string): Promise<void> {
  // Missing, whatever its type says, outside of https and the machine itself.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) {
    await clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("aria-hidden", "true");
  Object.assign(area.style, { position: "fixed", opacity: "0" });
  const from = document.activeElement;
  // Beside what was pressed, as a dialog keeps the focus within itself.
  (from?.parentElement ?? document.body).append(area);
  area.focus();
  area.select();
  // The old command is the only one that browsers have there.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const isCopied = document.execCommand("copy");
  area.remove();
  if (from instanceof HTMLElement) from.focus();
  if (!isCopied) throw new Error("The browser copies nothing here: select the text and copy it by key.");
}
