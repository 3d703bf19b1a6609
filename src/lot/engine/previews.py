"""Where people see a session's app: an origin of its own per session and port."""

from lot.config import Settings
from lot.core.ids import SessionId


def preview_host(port: int, session: SessionId | str, domain: str) -> str:
    """Return the host name under which one port of one session is seen."""
    return f"{port}--{session}.{domain}"


def preview_url(settings: Settings, session: SessionId, port: int) -> str:
    """Return the address of one port of one session, with a slash at its end."""
    return settings.app_origin.with_host(preview_host(port, session, settings.preview_domain)) + "/"
