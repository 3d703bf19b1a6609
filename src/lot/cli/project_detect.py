"""Prints what was detected of a repository: commands as they would be run, and why."""

from rich.text import Text

from lot.cli.output import facts, out, plain
from lot.detection.proposal import SetupProposal


def print_proposal(proposal: SetupProposal) -> None:
    """Print a proposal for a person; commands in whole lines, so that they can be copied."""
    _print_command("setup, run once", proposal.setup_command)
    _print_command(f"dev server, port {proposal.port or 'unknown'}", proposal.dev_command)
    for process in proposal.processes:
        _print_command(f"process {process.name}", process.command)
    out.print(
        facts(
            [
                ("folder", proposal.folder),
                ("services", ", ".join(service.name for service in proposal.services)),
                ("variables", ", ".join(proposal.environment_keys)),
                ("set up anew for", ", ".join(proposal.watched_files)),
                *_sentences("why", proposal.reasons),
                *_sentences("note", proposal.notes),
            ]
        )
    )


def _print_command(name: str, command: str | None) -> None:
    out.print(Text(name, style="dim"))
    lines = plain(command or "none").splitlines()
    out.print("\n".join(f"  {line}" for line in lines) + "\n", soft_wrap=True)


def _sentences(name: str, sentences: tuple[str, ...]) -> list[tuple[str, str | Text | None]]:
    return [(name if number == 0 else "", plain(sentence)) for number, sentence in enumerate(sentences)]
