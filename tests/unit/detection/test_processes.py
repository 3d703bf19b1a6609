"""Procfiles and devcontainers: what their people start, and how they set up."""

import json

import pytest

from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles


def proposal(files: dict[str, str]) -> SetupProposal:
    return detect(RepositoryFiles.of(files))


def test_a_procfiles_other_processes_stand_beside_a_known_dev_server() -> None:
    made = proposal(
        {
            "requirements.txt": "django\ncelery[redis]\n",
            "manage.py": "import django",
            "Procfile": "web: gunicorn shop.wsgi\nrelease: python manage.py migrate\n"
            "# a comment\nworker: celery -A shop worker\nbeat: celery -A shop beat\n",
        }
    )
    assert made.dev_command is not None
    assert made.dev_command.endswith(".venv/bin/python manage.py runserver 0.0.0.0:8000")
    assert [one.name for one in made.processes] == ["worker", "beat"]
    assert made.processes[0].command == (
        'export REDIS_URL="${REDIS_URL:-redis://localhost:6379}"\n'
        'export PATH="$PWD/.venv/bin:$PATH"\n'
        "celery -A shop worker"
    )
    assert "The dev command does not start worker, beat." in made.notes
    assert "Procfile" in made.watched_files


def test_a_procfiles_web_process_starts_what_is_not_known_otherwise() -> None:
    made = proposal({"requirements.txt": "gunicorn\n", "Procfile": "web: gunicorn shop:site --bind 0.0.0.0:$PORT\n"})
    assert made.dev_command == (
        'export PATH="$PWD/.venv/bin:$PATH"\nexport PORT=8000\ngunicorn shop:site --bind 0.0.0.0:$PORT'
    )
    assert made.port == 8000


def test_a_procfile_may_fix_the_port() -> None:
    made = proposal({"Procfile": "web: ./serve --port 7000\n"})
    assert (made.dev_command, made.port) == ("./serve --port 7000", 7000)


def test_the_procfile_for_development_is_preferred() -> None:
    made = proposal({"Procfile": "web: a\nold: b\n", "Procfile.dev": "web: c\ncss: d\n"})
    assert made.dev_command == "export PORT=8000\nc"
    assert [one.name for one in made.processes] == ["css"]


def test_a_procfile_without_a_process_is_a_note() -> None:
    assert any("names no process" in note for note in proposal({"Procfile": "nonsense\n"}).notes)


DEVCONTAINER = """\
// Written by hand, with "comments" and /* all */ that editors allow.
{
  "image": "mcr.example.org/devcontainers/javascript-node:20", // not /* used */
  "forwardPorts": [4400, "db:5432"],
  /* what is run
     once */
  "postCreateCommand": "make setup // all",
  "features": {"a": {}, },
}
"""


def test_a_devcontainer_with_comments_sets_up_what_is_not_known_otherwise() -> None:
    made = proposal({".devcontainer/devcontainer.json": DEVCONTAINER})
    assert made.setup_command == "make setup // all"
    assert made.watched_files == (".devcontainer/devcontainer.json",)
    assert not any("no valid JSON" in note for note in made.notes)


def test_a_devcontainer_tells_a_port_that_is_not_known_otherwise() -> None:
    made = proposal(
        {".devcontainer.json": DEVCONTAINER, "package.json": '{"scripts": {"dev": "make-it-run"}}', "Dockerfile": ""}
    )
    assert (made.setup_command, made.port) == ("npm install", 4400)
    assert ".devcontainer.json forwards port 4400." in made.reasons
    assert any("this is not run" in note for note in made.notes)
    assert not any("could not be told" in note for note in made.notes)
    assert "Dockerfile" in made.watched_files


@pytest.mark.parametrize(
    ("value", "setup"),
    [
        ("npm run all", "npm run all"),
        (["make", "all the things"], "make 'all the things'"),
        ({"b": "one", "a": ["two"]}, "set -e\none\ntwo"),
        (7, None),
        ([7], None),
    ],
)
def test_a_devcontainers_command_has_three_shapes(value: object, setup: str | None) -> None:
    made = proposal({".devcontainer.json": json.dumps({"postCreateCommand": value})})
    assert made.setup_command == setup


def test_a_readme_tells_a_port_that_is_not_known_otherwise() -> None:
    made = proposal(
        {"README.md": "Then open http://localhost:8123/.", "package.json": '{"scripts": {"dev": "make-it-run"}}'}
    )
    assert made.port == 8123
