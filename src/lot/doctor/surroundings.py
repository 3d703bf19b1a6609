"""Judges what surrounds Lot: names, certificates, its port, the model provider's key. Never shows a secret."""

from pathlib import Path

from lot.doctor.check import Check, fail, ok, warn

SLOW_LOOKUP_S = 2.0


def check_resolver(nameservers: tuple[str, ...], lookup_s: float | None) -> Check:
    """Look-ups must be answered or refused at once: programs in a sandbox stall at start otherwise.

    Args:
        nameservers: Those in /etc/resolv.conf.
        lookup_s: How long a name that cannot exist took to be refused, or None when it took too long.
    """
    mend = "name a nameserver that answers in /etc/resolv.conf"
    if not nameservers:
        return warn("resolver", "no nameserver in /etc/resolv.conf", mend)
    if lookup_s is None or lookup_s > SLOW_LOOKUP_S:
        return warn(
            "resolver", f"{', '.join(nameservers)} did not refuse a made-up name within {SLOW_LOOKUP_S:.0f} s", mend
        )
    return ok("resolver", f"{', '.join(nameservers)}; a made-up name was refused within {lookup_s:.2f} s")


def check_certificates(bundle: Path, count: int) -> Check:
    """The host's certificate authorities are passed on to sandboxes."""
    if count == 0:
        return fail("certificates", f"no certificates in {bundle}", "`apt-get install ca-certificates`")
    return ok("certificates", f"{count} in {bundle}")


def check_port(host: str, port: int, error: str | None) -> Check:
    """Lot listens on one port."""
    if error is not None:
        return warn(
            "port", f"{host}:{port}: {error}", "fine if this is Lot itself; else stop that program or set LOT_PORT"
        )
    return ok("port", f"{host}:{port} is free")


def check_provider(provider: str, has_api_key: bool, has_token: bool) -> Check:
    """Turns of an agent need a key or a token, unless the provider is the scripted one."""
    seen = f"{provider}; API key {_set(has_api_key)}, subscription token {_set(has_token)}"
    if provider == "anthropic" and not (has_api_key or has_token):
        return warn(
            "provider",
            seen,
            "set ANTHROPIC_API_KEY or LOT_ANTHROPIC_AUTH_TOKEN; the `rehearsal` provider needs none",
        )
    return ok("provider", seen)


def _set(is_set: bool) -> str:
    return "set" if is_set else "not set"
