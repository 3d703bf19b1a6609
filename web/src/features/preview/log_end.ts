// eslint-disable-next-line no-control-regex
const CONTROLS = /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Returns a log's last lines, without colours and without the emptiness between them. */
export function endOf(log: string, lines = 30): string {
  const plain = log.replace(/\r\n/g, "\n").replace(CONTROLS, "");
  // Programs clear a screen by many empty lines.
  const dense = plain.replace(/\n\s*\n\s*\n/g, "\n\n").trim();
  return dense.split("\n").slice(-lines).join("\n");
}
