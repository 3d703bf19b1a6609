"""A line that is typed while the screen above it goes on changing: from keys to finished lines, without a terminal."""

import codecs
import re

_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?<=>]*[ -/]*[@-~]|O.|[^\[O])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?<=>]*[ -/]*|O)?$")
_MAX_CHARS = 100_000
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Make a terminal say where a pasted text begins and ends, so that its line breaks send nothing."""


class LineInput:
    """Keeps what is typed; Enter finishes a line, a pasted text stays whole until then."""

    def __init__(self) -> None:
        self.text = ""
        self.is_ended = False
        """Ctrl-D on an empty line."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._is_pasting = False

    def feed(self, data: bytes) -> list[str]:
        """Take keys as a terminal sends them; return the lines that they finish."""
        keys = self._rest + self._decoder.decode(data)
        cut = _UNFINISHED.search(keys)
        keys, self._rest = (keys[: cut.start()], keys[cut.start() :]) if cut else (keys, "")
        lines: list[str] = []
        while keys:
            escape = _ESCAPE.match(keys)
            key = escape[0] if escape else keys[0]
            keys = keys[len(key) :]
            line = self._press(key)
            if line is not None:
                lines.append(line)
        return lines

    def _press(self, key: str) -> str | None:
        match key:
            case "\x1b[200~":
                self._is_pasting = True
            case "\x1b[201~":
                self._is_pasting = False
            case "\r" | "\n" if self._is_pasting:
                self.text += "\n"
            case "\r" | "\n":
                line, self.text = self.text, ""
                return line
            case "\x7f" | "\x08":
                self.text = self.text[:-1]
            case "\x15":
                self.text = ""
            case "\x17":
                self.text = re.sub(r"\S*\s*$", "", self.text)
            case "\x04":
                self.is_ended = self.is_ended or not self.text
            case _ if (key.isprintable() or key == "\t") and len(self.text) < _MAX_CHARS:
                self.text += key
        return None
