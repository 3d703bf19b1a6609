"""The setup command of a project: how long it may take, and how its failure is told."""

SETUP_TIMEOUT_S = 1800.0


def last_lines(text: str, count: int = 5) -> str:
    """Return the end of a command's output in one line."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return " / ".join(lines[-count:]) or "it printed nothing"
