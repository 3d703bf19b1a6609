import type { ITheme } from "@xterm/xterm";

/** Colours as style.css has them, in a notation that terminals read; 16 ANSI colours with enough contrast on each. */
export function terminalTheme(isDark: boolean): ITheme {
  return isDark ? DARK : LIGHT;
}

const LIGHT: ITheme = {
  background: "#fdfcfa",
  foreground: "#1c2622",
  cursor: "#0f5c53",
  cursorAccent: "#fdfcfa",
  selectionBackground: "#0f5c5340",
  black: "#1c2622",
  red: "#b3261e",
  green: "#23713f",
  yellow: "#8a5a00",
  blue: "#1f5f9e",
  magenta: "#84398f",
  cyan: "#0c6a70",
  white: "#6b726f",
  brightBlack: "#5b6461",
  brightRed: "#c7362c",
  brightGreen: "#2c8049",
  brightYellow: "#956400",
  brightBlue: "#2a6db0",
  brightMagenta: "#964aa1",
  brightCyan: "#14767c",
  brightWhite: "#39423f",
};

const DARK: ITheme = {
  background: "#191e1c",
  foreground: "#e8e7e1",
  cursor: "#74c7b8",
  cursorAccent: "#191e1c",
  selectionBackground: "#74c7b84d",
  black: "#39413e",
  red: "#f2857b",
  green: "#8ccf9b",
  yellow: "#e6be6e",
  blue: "#84b9ee",
  magenta: "#d3a1e0",
  cyan: "#78cdd0",
  white: "#d7d8d2",
  brightBlack: "#8b9490",
  brightRed: "#ffa198",
  brightGreen: "#a6e3b3",
  brightYellow: "#f5d48c",
  brightBlue: "#a5cdf7",
  brightMagenta: "#e3bbee",
  brightCyan: "#98e0e2",
  brightWhite: "#f6f5ef",
};
