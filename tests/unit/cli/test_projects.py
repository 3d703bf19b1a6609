"""`lot project` against a mock server."""

import json
from pathlib import Path

import pytest
from git_repository import commit, git
from mock_lot import MockLot

from lot.api.schemas.projects import FindingBody
from lot.cli.env_file import read_env_file
from lot.core.errors import InvalidInputError
from lot.store.keys import keys_in_use


def test_create_shows_the_builds_log_and_ends_ready(lot, mock: MockLot, tmp_path: Path):
    result = lot("project", "create", str(tmp_path), "--setup", "npm ci", "--name", "app")
    assert result.exit_code == 0
    assert "added 64 packages" in result.stderr
    assert "ready" in result.stdout
    assert "lot session new app" in result.stdout
    assert mock.projects["p1"].name == "app"


def test_create_makes_a_path_absolute_and_leaves_a_url_alone(lot, mock: MockLot, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lot.json("--json", "project", "create", ".")["source"] == str(tmp_path)
    assert lot.json("project", "create", "https://git.test/a.git", "--json")["source"] == "https://git.test/a.git"


def test_image_is_sent_shown_and_changed_with_the_next_step(lot, mock: MockLot, tmp_path: Path):
    made = lot.json("project", "create", str(tmp_path), "--image", "dockerfile:Dockerfile", "--json")
    assert made["image"] == "dockerfile:Dockerfile"
    assert "dockerfile:Dockerfile" in lot("project", "show", "shop").stdout
    assert "lot project retry shop" in lot("project", "image", "shop", "devcontainer").stdout
    assert lot.json("project", "image", "shop", "default", "--json")["image"] is None
    assert mock.changes == [{"image": "devcontainer"}, {"image": None}]


def test_failed_setup_ends_with_1_shows_the_log_and_names_retry(lot, mock: MockLot, tmp_path: Path):
    mock.setup_fails = True
    result = lot("project", "create", str(tmp_path))
    assert result.exit_code == 1
    assert "added 64 packages" in result.stderr
    assert "exit code 7" in result.stderr
    assert "lot project retry shop" in result.stderr
    assert lot("project", "retry", "shop").exit_code == 0


def test_env_file_reaches_the_server_and_its_values_are_not_printed(lot, mock: MockLot, tmp_path: Path):
    env = tmp_path / "env"
    env.write_bytes(b"# comment\r\n\r\nexport A=1\r\nB='x y'\r\nC=a=b=c\nD=\"two\nlines\"\nA=2\nE=$A\nF=\n")
    result = lot("project", "create", str(tmp_path), "--env-file", str(env))
    assert result.exit_code == 0
    assert mock.environments["p1"] == {"A": "2", "B": "x y", "C": "a=b=c", "D": "two\nlines", "E": "$A", "F": ""}
    assert "x y" not in result.output


PROCFILE = """# everything
web: npm run dev -- --port 5173

Job_Runner:  npm run jobs:all   # not a comment
css: npx tailwindcss --watch
"""


def test_procfile_and_options_say_what_runs_beside_the_dev_server(lot, mock: MockLot, tmp_path: Path):
    procfile = tmp_path / "Procfile"
    procfile.write_text(PROCFILE)
    made = lot.json(
        "project", "create", "/srv/a", "--procfile", str(procfile), "--process", "css=sass -w=a", "--process", "x=y",
        "--json",
    )  # fmt: skip
    assert made["dev_command"] == "npm run dev -- --port 5173"
    assert list(made["processes"].items()) == [
        ("job-runner", "npm run jobs:all   # not a comment"),
        ("css", "sass -w=a"),
        ("x", "y"),
    ]
    shown = lot("project", "show", "shop").stdout
    assert "job-runner" in shown
    assert "sass -w=a" in shown
    other = lot.json("project", "create", "/srv/a", "--procfile", str(procfile), "--dev", "serve", "--json")
    assert other["dev_command"] == "serve"
    assert "web" not in other["processes"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--process", "npm run worker"], "has no name"),
        (["--process", "Worker=x"], "processes.Worker"),
        (["--process", f"{'x' * 33}=y"], "processes."),
        (["--process", "worker="], "processes.worker"),
        ([f"--process={number}=x" for number in range(17)], "at most 16"),
        (["--procfile", "/no/such/file"], "cannot be read"),
    ],
)
def test_process_that_cannot_be_one_is_refused(lot, mock: MockLot, options: list[str], words: str):
    result = lot("project", "create", "/srv/a", "--dev", "serve", *options)
    assert result.exit_code != 0
    assert words in " ".join(result.stderr.split())
    assert mock.projects == {}


def test_processes_without_a_dev_server_are_refused(lot, mock: MockLot):
    result = lot("project", "create", "/srv/a", "--process", "worker=x")
    assert result.exit_code != 0
    assert "give a dev command" in result.stderr


@pytest.mark.parametrize("text", ["A=1\nnonsense\n", "A=1\n=2\n"])
def test_a_wrong_line_of_an_env_file_is_named(tmp_path: Path, text: str):
    path = tmp_path / "env"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match="line 2"):
        read_env_file(path)


def test_list_show_and_delete(lot, mock: MockLot):
    assert "lot project create" in lot("project", "list").stdout
    mock.add_project()
    assert "shop" in lot("project", "list").stdout
    assert "disk only" not in lot("project", "show", "shop").stdout
    assert lot.json("project", "list", "--json")[0]["name"] == "shop"
    assert lot.json("project", "delete", "shop", "--json") == {"deleted": "shop"}
    assert mock.projects == {}


def test_examination_is_shown_with_the_next_step_and_fails_where_something_is_wrong(lot, mock: MockLot):
    mock.add_project()
    mock.findings = [FindingBody(name="snapshot", is_ok=True, seen="generation 2", mend=None)]
    fine = lot("project", "doctor", "shop")
    assert (fine.exit_code, "generation 2" in fine.stdout) == (0, True)
    mock.findings.append(FindingBody(name="code", is_ok=False, seen="[uv.lock] changed", mend="`lot project retry`"))
    wrong = lot("project", "doctor", "shop")
    assert wrong.exit_code == 1
    assert "[uv.lock] changed" in wrong.stdout
    assert "mend: `lot project retry`" in wrong.stdout
    told = lot("project", "doctor", "shop", "--json")
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (1, False)


def test_stale_snapshot_is_shown_and_rebuilt_by_itself_on_demand(lot, mock: MockLot):
    project = mock.add_project()
    assert project.snapshot is not None
    stale = project.snapshot.model_copy(update={"stale_files": ["uv.lock"], "layer_bytes": 5 << 20})
    mock.projects[project.id] = project.model_copy(update={"snapshot": stale})
    shown = lot("project", "show", "shop").stdout
    assert "ready, stale" in shown
    assert "uv.lock changed since: `lot project retry shop`" in shown
    assert "5 MiB: once" in shown
    assert "is rebuilt" in lot("project", "rebuild", "shop", "on").stdout
    assert mock.changes == [{"rebuilds_when_stale": True}]
    assert "it is rebuilt by itself" in lot("project", "show", "shop").stdout


def test_detect_shows_what_would_be_run_without_a_server(lot, mock: MockLot, tmp_path: Path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "package.json").write_text('{"scripts": {"dev": "vite"}}')
    commit(tmp_path, "Procfile", "worker: node \x1b[31mworker.js\n")
    shown = lot("project", "detect", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert "setup, run once\n  npm install\n" in shown.stdout
    assert "dev server, port 5173\n  npm run dev\n" in shown.stdout
    assert "process worker\n" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "a script dev that runs Vite" in shown.stdout
    assert lot.json("project", "detect", str(tmp_path), "--json")["port"] == 5173
    assert not mock.calls


def test_detect_of_what_is_no_repository_is_refused(lot, tmp_path: Path):
    result = lot("project", "detect", str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_commands_are_edited_by_hand_and_count_after_a_retry(lot, mock: MockLot):
    mock.add_project()
    said = lot("project", "set", "shop", "--setup", "make", "--dev", "", "--port", "0")
    assert mock.changes == [{"setup_command": "make", "dev_command": None, "port": None}]
    assert "lot project retry shop" in said.stdout
    assert lot.json("project", "set", "shop", "--name", "store", "--branch", "next", "--json")["name"] == "store"
    assert mock.changes[1:] == [{"name": "store", "branch": "next"}]
    refused = lot("project", "set", "store")
    assert (refused.exit_code, "--dev" in refused.stderr) == (2, True)


def test_processes_are_replaced_added_and_taken_away_by_name(lot, mock: MockLot):
    project = mock.add_project()
    mock.projects[project.id] = project.model_copy(update={"processes": {"worker": "old", "css": "css", "mail": "m"}})
    said = lot("project", "set", "shop", "--process", "worker=a=b", "--process", "css=", "--process", "new=x")
    assert [list(one["processes"].items()) for one in mock.changes] == [
        [("worker", "a=b"), ("mail", "m"), ("new", "x")]
    ]
    assert "lot project retry shop" in said.stdout
    refused = lot("project", "set", "shop", "--process", "nosuch=")
    assert (refused.exit_code, "worker, mail, new" in refused.stderr) == (2, True)


def test_size_is_for_new_sessions(lot, mock: MockLot):
    mock.add_project()
    assert "new sessions are large" in lot("project", "size", "shop", "large").stdout
    assert mock.changes == [{"size": "large"}]
    assert "64.0 GiB" in lot("sizes").stdout
    assert lot.json("sizes", "--json")[0]["compute_units"] == 12.5


def test_new_key_for_all_secrets_needs_no_server(lot, tmp_path: Path):
    lot_dir = ("--data-dir", str(tmp_path / "data"))
    assert lot.json("secrets", "rotate", *lot_dir, "--json") == {"sealed_anew": 0}
    before = (tmp_path / "data" / "secret.key").read_text()
    assert "the new key" in lot("secrets", "rotate", *lot_dir).stdout
    assert (tmp_path / "data" / "secret.key").read_text() != before
    with keys_in_use(tmp_path / "data"):
        refused = lot("secrets", "rotate", *lot_dir)
    assert (refused.exit_code, "lot up" in refused.stderr) == (1, True)
