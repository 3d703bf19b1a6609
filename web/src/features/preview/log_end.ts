// eslint-disable-next-line no-control-regex
const CONTROLS = /\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Returns a log's last lines, without colours. */
export function endOf(log: string, lines = 30): string {
  const plain = log.replace(/\r\n/g, "\n").replace(CONTROLS, "").trimEnd();
  return plain.split("\n").slice(-lines).join("\n");
}
