"""What a command under our `sudo` runs as, and with: program, folder and variables, much as the real one decides.

Source: sudo(8) and sudoers(5) of Debian: `env_reset`, `secure_path`, "Command environment".
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from typing import Any

from lot.guest.sudo_arguments import UsageError, Wish

SECURE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_COMMAND_VARIABLE = 4096
"""Characters of SUDO_COMMAND: a variable must not be what makes a long command too long."""

_TERMINAL = ("COLORS", "COLORTERM", "DISPLAY", "HOSTNAME", "LS_COLORS", "PS1", "PS2", "TERM", "TZ", "XAUTHORITY")
_LANGUAGE = ("LANG", "LANGUAGE", "LINGUAS")
_CERTIFICATES = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "npm_config_cafile",
)
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
KEPT = frozenset((*_TERMINAL, *_LANGUAGE, *_CERTIFICATES, *_PROXIES, *(name.upper() for name in _PROXIES)))
"""Variables that every command gets from its caller, beside LC_*. Certificates and proxies are our own addition: they
lead to the only internet that a sandbox has."""


def find_target(user: str) -> pwd.struct_passwd:
    """Return the account that a command is to run as: a name, or `#` and a number."""
    try:
        return pwd.getpwuid(int(user[1:])) if re.fullmatch(r"#\d{1,10}", user) else pwd.getpwnam(user)
    except (KeyError, OverflowError) as error:
        raise UsageError(f"there is no user {user!r}") from error


def program_for(
    wish: Wish, target: pwd.struct_passwd, environment: Mapping[str, str], caller_uid: int, folder: str
) -> dict[str, Any]:
    """Return what PID 1 is asked to start.

    Args:
        environment: The caller's variables.
        folder: Where the caller stands.
    """
    argv, executable = list(wish.command), None
    if wish.is_login or wish.is_shell:
        executable = (environment.get("SHELL") if not wish.is_login else "") or target.pw_shell or "/bin/sh"
        name = os.path.basename(executable)
        argv = [f"-{name}" if wish.is_login else executable]
        if wish.command:
            argv += ["-c", " ".join(_escaped(word) for word in wish.command)]
    return {
        "argv": argv,
        "executable": executable,
        "cwd": wish.folder or (target.pw_dir if wish.is_login else folder),
        "environment": _environment(wish, target, environment, caller_uid, executable),
        "user": target.pw_name,
    }


def _environment(
    wish: Wish, target: pwd.struct_passwd, given: Mapping[str, str], caller_uid: int, shell: str | None
) -> dict[str, str]:
    keeps_all = wish.keeps_environment and not wish.is_login
    made = {name: value for name, value in given.items() if keeps_all or _is_kept(name) or name in wish.kept}
    own = {"LOGNAME": target.pw_name, "USER": target.pw_name, "PATH": SECURE_PATH}
    if not keeps_all or wish.sets_home:
        own["HOME"] = target.pw_dir
    if not keeps_all:
        own.update(SHELL=target.pw_shell or "/bin/sh", MAIL=f"/var/mail/{target.pw_name}")
    made.update((name, value) for name, value in own.items() if name == "PATH" or name not in wish.kept)
    made.setdefault("TERM", "unknown")
    made.update(_traces(wish, caller_uid, shell), **wish.assignments)
    return made


def _traces(wish: Wish, caller_uid: int, shell: str | None) -> dict[str, str]:
    """Return the variables by which a command knows who called it."""
    try:
        caller = pwd.getpwuid(caller_uid)
        name, gid = caller.pw_name, caller.pw_gid
    except KeyError:
        name, gid = f"#{caller_uid}", os.getgid()
    command = " ".join(wish.command or [shell or ""])[:MAX_COMMAND_VARIABLE]
    return {"SUDO_COMMAND": command, "SUDO_USER": name, "SUDO_UID": str(caller_uid), "SUDO_GID": str(gid)}


def _is_kept(name: str) -> bool:
    return name in KEPT or name.startswith("LC_")


def _escaped(word: str) -> str:
    """Return a word as a shell reads it back; `$` stays, as with the real sudo."""
    return re.sub(r"([^\w$-])", r"\\\1", word, flags=re.ASCII) if word else "''"
