"""How Lot's programs log: as structlog does by itself, but a traceback shows no values.

The values of local variables, which it would show, are tokens and environment values among others.
"""

import structlog


def configure_logging() -> None:
    """Set logging up for this process; may be repeated."""
    *before, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, renderer])
