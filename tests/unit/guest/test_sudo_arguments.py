"""The command line of the guest's own `sudo`, and what a command under it gets from its caller."""

import pwd
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lot.guest import sudo_arguments, sudo_environment
from lot.guest.sudo_arguments import UsageError, parse
from lot.sandbox.bundle import CA_VARIABLES

ROOT = pwd.struct_passwd(("root", "x", 0, 0, "", "/root", "/bin/bash"))
CALLER = {
    "HOME": "/home/lot",
    "USER": "lot",
    "LOGNAME": "lot",
    "SHELL": "/bin/zsh",
    "PATH": "/mine",
    "TERM": "xterm",
    "LC_ALL": "C.UTF-8",
    "TOKEN": "mine",
    "https_proxy": "http://proxy",
    "LOT_PROCESS": "agent",
}


def program(*words: str, folder: str = "/work") -> dict[str, Any]:
    return sudo_environment.program_for(parse(list(words)), ROOT, CALLER, 0, folder)


def environment(*words: str) -> dict[str, str]:
    found: dict[str, str] = program(*words)["environment"]
    return found


@pytest.mark.parametrize(
    ("words", "user", "command"),
    [
        ("ls -l", "root", "ls -l"),
        ("-n -H ls -u x", "root", "ls -u x"),
        ("-nHu lot ls", "lot", "ls"),
        ("-ulot -- -n ls", "lot", "-n ls"),
        ("--user lot --non-interactive ls", "lot", "ls"),
        ("--user=lot A=1 -S ls B=2", "lot", "ls B=2"),
        ("-k -p word ls", "root", "ls"),
        ("-A -E --preserve-env=A,B ls", "root", "ls"),
    ],
)
def test_options_end_where_the_command_begins(words: str, user: str, command: str) -> None:
    wish = parse(words.split())
    assert (wish.user, wish.command, wish.instead) == (user, command.split(), "")


@pytest.mark.parametrize("words", ["-V", "--version", "-v", "-k", "-K", "-l", "-nv", "-h", "--validate", "-l ls"])
def test_options_that_run_nothing_are_no_errors(words: str) -> None:
    wish = parse(words.split())
    assert wish.instead or not wish.command


@pytest.mark.parametrize(
    "words",
    ["", "-n", "A=1", "--", "-x ls", "--unknown ls", "-u", "--user", "-g wheel ls", "--login=yes ls", "-e file"],
)
def test_what_is_unknown_or_incomplete_is_refused(words: str) -> None:
    with pytest.raises(UsageError):
        parse(words.split())


@given(st.lists(st.text(st.sampled_from("-=uEnis" + string.ascii_uppercase), max_size=6), max_size=6))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    try:
        wish = parse(words)
    except UsageError:
        return
    assert wish.command == words[len(words) - len(wish.command) :]


def test_environment_is_the_targets_with_what_leads_to_the_internet() -> None:
    found = environment("A=1", "ls", "-l")
    assert found == {
        "A": "1",
        "HOME": "/root",
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/bash",
        "MAIL": "/var/mail/root",
        "PATH": sudo_environment.SECURE_PATH,
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        "https_proxy": "http://proxy",
        "SUDO_COMMAND": "ls -l",
        "SUDO_USER": "root",
        "SUDO_UID": "0",
        "SUDO_GID": "0",
    }


def test_variables_of_our_own_certificates_are_kept() -> None:
    assert set(CA_VARIABLES) <= sudo_environment.KEPT


def test_variables_can_be_kept_all_or_by_name() -> None:
    kept = environment("-E", "ls")
    assert (kept["TOKEN"], kept["HOME"], kept["USER"], kept["PATH"]) == (
        "mine",
        "/home/lot",
        "root",
        sudo_environment.SECURE_PATH,
    )
    assert environment("-EH", "ls")["HOME"] == "/root"
    assert environment("--preserve-env=TOKEN,HOME", "ls").items() >= {"TOKEN": "mine", "HOME": "/home/lot"}.items()
    assert "TOKEN" not in environment("ls")


def test_login_shell_starts_at_home_and_a_shell_where_its_caller_stands() -> None:
    login = program("-i")
    assert (login["argv"], login["executable"], login["cwd"]) == (["-bash"], "/bin/bash", "/root")
    shell = program("-s", "echo", "a b", "$HOME", "")
    assert (shell["executable"], shell["cwd"]) == ("/bin/zsh", "/work")
    assert shell["argv"] == ["/bin/zsh", "-c", r"echo a\ b $HOME ''"]
    assert program("-D", "/else", "ls")["cwd"] == "/else"


def test_long_command_is_cut_in_its_variable_alone() -> None:
    made = program("echo", "x" * 100_000)
    assert len(made["environment"]["SUDO_COMMAND"]) == sudo_environment.MAX_COMMAND_VARIABLE
    assert len(made["argv"][1]) == 100_000


def test_unknown_user_is_refused() -> None:
    assert sudo_environment.find_target("#0").pw_name == "root"
    for user in ("nobody-of-this-name", "#4000000000", "", "#x"):
        with pytest.raises(UsageError):
            sudo_environment.find_target(user)
    assert sudo_arguments.USAGE.startswith("usage: sudo ")
