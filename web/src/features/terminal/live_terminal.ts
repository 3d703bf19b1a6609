/** One terminal: what it shows, and the stream that fills it. Outlives the panel, so that a tab switch loses nothing. */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";

import type { ProcessBody } from "@/api/types";
import { copyText } from "@/ui/clipboard";

import { withControl } from "./keys";
import { ProcessStream, type StreamStatus } from "./process_stream";
import { findProcess } from "./queries";
import { terminalTheme } from "./theme";

const SCROLLBACK_LINES = 10_000;
const FONT = '"JetBrains Mono Variable", ui-monospace, Menlo, monospace';

export interface TerminalListeners {
  onStatus: () => void;
  /** Something was typed that cannot be sent. */
  onRefused: () => void;
  /** Ctrl+F. */
  onSearch: () => void;
  onCopied: () => void;
  /** The on-screen Ctrl was pressed, or used up by a key. */
  onControl: () => void;
}

export class LiveTerminal {
  status: StreamStatus = "off";
  exitCode: number | null = null;
  /** Whether the next key counts as typed with Ctrl held. */
  isControlHeld = false;
  private listeners: TerminalListeners | null = null;
  readonly search = new SearchAddon();
  readonly name: string;
  private readonly host = document.createElement("div");
  private readonly terminal: Terminal;
  private readonly fitting = new FitAddon();
  private readonly stream: ProcessStream;
  private webgl: WebglAddon | null = null;
  /** Up to this byte it is an old output that is shown again: what it asks of a terminal was answered long ago. */
  private readonly replayedUpTo: number;
  private shownUpTo = 0;
  /** Whether what it shows was kept from before a pause; its stream will begin with that, too. */
  private isKept = false;

  constructor(
    readonly session: string,
    process: ProcessBody,
    readonly number: number,
  ) {
    this.name = process.name;
    this.replayedUpTo = process.ends.out ?? 0;
    this.host.className = "h-full w-full";
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily: FONT,
      lineHeight: 1.2,
      scrollback: SCROLLBACK_LINES,
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
    });
    this.terminal.loadAddon(this.fitting);
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new WebLinksAddon(openLink));
    this.terminal.onData((data) => this.type(data));
    this.terminal.onBinary((data) => void this.stream.send(Uint8Array.from(data, (c) => c.charCodeAt(0))));
    this.terminal.onResize(({ rows, cols }) => this.stream.resize(rows, cols));
    this.terminal.attachCustomKeyEventHandler((event) => this.takesKey(event));
    this.host.addEventListener("pointerup", () => this.copySelection());
    this.stream = new ProcessStream(session, process.name, {
      onOutput: ({ data, missing }) => {
        const end = this.stream.position.next;
        if (missing > 0)
          this.terminal.write(`\x1b[0m\r\n\x1b[2m… ${missing} bytes are no longer kept …\x1b[0m\r\n`);
        this.terminal.write(data, () => (this.shownUpTo = end));
      },
      onStatus: (status) => this.onStatus(status),
      hasEnded: async () => {
        const now = await findProcess(session, process.name);
        this.exitCode = now?.exit_code ?? null;
        return now === undefined || !now.is_running;
      },
    });
  }

  /** Shows it in an element, with its size. */
  mount(parent: HTMLElement, isDark: boolean, fontSize: number): void {
    this.terminal.options.theme = terminalTheme(isDark);
    this.terminal.options.fontSize = fontSize;
    parent.append(this.host);
    if (!this.terminal.element) this.terminal.open(this.host);
    this.useWebgl();
    this.fit();
  }

  unmount(): void {
    this.host.remove();
    this.webgl?.dispose();
    this.webgl = null;
    this.stream.stop();
  }

  listen(listeners: TerminalListeners | null): void {
    this.listeners = listeners;
  }

  holdControl(isHeld: boolean): void {
    this.isControlHeld = isHeld;
    this.listeners?.onControl();
  }

  /** Connected while the sandbox is on and somebody looks. */
  follow(isOn: boolean): void {
    if (this.status === "ended") return;
    if (isOn && this.isKept) {
      this.terminal.reset();
      this.isKept = false;
    }
    if (isOn) this.stream.start();
    else this.stream.stop();
  }

  /** Shows what it had shown before a pause, unless it knows better itself. */
  showKept(text: string): void {
    if (this.isKept || this.stream.position.next > 0) return;
    this.isKept = true;
    this.terminal.write(text);
  }

  setTheme(isDark: boolean): void {
    this.terminal.options.theme = terminalTheme(isDark);
  }

  fit(): void {
    if (this.host.clientWidth > 0 && this.host.clientHeight > 0) this.fitting.fit();
  }

  focus(): void {
    this.terminal.focus();
  }

  get size(): { rows: number; columns: number } {
    return { rows: this.terminal.rows, columns: this.terminal.cols };
  }

  get isApplicationMode(): boolean {
    return this.terminal.modes.applicationCursorKeysMode;
  }

  /** Types as a person does. */
  type(data: string): void {
    if (this.shownUpTo < this.replayedUpTo && data.startsWith("\x1b")) return;
    let typed = data;
    if (this.isControlHeld) {
      typed = withControl(data);
      this.holdControl(false);
    }
    if (!this.stream.send(typed)) this.listeners?.onRefused();
  }

  dispose(): void {
    this.stream.stop();
    this.terminal.dispose();
    this.host.remove();
  }

  private onStatus(status: StreamStatus): void {
    this.status = status;
    if (status === "open") this.stream.resize(this.terminal.rows, this.terminal.cols);
    if (status === "ended") {
      const code = this.exitCode === null ? "" : ` with exit code ${this.exitCode}`;
      this.terminal.write(`\r\n\x1b[0m\x1b[2m[ended${code}]\x1b[0m\x1b[?25l`);
    }
    this.listeners?.onStatus();
  }

  private takesKey(event: KeyboardEvent): boolean {
    const isControl = event.ctrlKey || event.metaKey;
    if (event.type === "keydown" && isControl && !event.altKey && event.key.toLowerCase() === "f") {
      event.preventDefault();
      event.stopPropagation();
      this.listeners?.onSearch();
      return false;
    }
    // The page's own: the command palette. Copy and paste are the browser's with Shift.
    if (isControl && event.key.toLowerCase() === "k" && event.metaKey) return false;
    if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "c") {
      event.preventDefault();
      this.copySelection();
      return false;
    }
    return !(event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "v");
  }

  private copySelection(): void {
    const selected = this.terminal.getSelection();
    if (selected === "") return;
    void copyText(selected).then(
      () => this.listeners?.onCopied(),
      () => undefined, // Without the right to write there, the selection is still there to be copied by key.
    );
  }

  /** Draws with the graphics card while it is shown: browsers give a page only a few such canvases. */
  private useWebgl(): void {
    if (this.webgl) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        if (this.webgl === webgl) this.webgl = null;
      });
      this.terminal.loadAddon(webgl);
      this.webgl = webgl;
    } catch {
      this.webgl = null; // Without WebGL, it is drawn as elements of the page.
    }
  }
}

function openLink(event: MouseEvent, address: string): void {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) return;
  event.preventDefault();
  window.open(address, "_blank", "noopener,noreferrer");
}
