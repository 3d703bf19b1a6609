"""The sample repositories, with the exact commands and ports that are proposed for each."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from lot.detection.detect import detect
from lot.detection.repository import RepositoryFiles, worth_reading

SAMPLES = Path(__file__).parents[2] / "samples"
VENV = (
    "set -e\n"
    "python3 -m venv .venv || { sudo apt-get update && sudo DEBIAN_FRONTEND=noninteractive apt-get install --yes "
    "python3-venv && python3 -m venv --clear .venv; }\n"
)
POSTGRESQL = """\
set -e
sudo apt-get update && sudo DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql
sudo service postgresql start
sudo -u postgres psql --quiet --set ON_ERROR_STOP=1 <<'SQL'
SELECT 'CREATE ROLE "app"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app')\\gexec
ALTER ROLE "app" LOGIN SUPERUSER PASSWORD 'app';
SELECT 'CREATE DATABASE "app" OWNER "app"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'app')\\gexec
SQL
export DATABASE_URL="${DATABASE_URL:-postgres://app:app@localhost:5432/app}"
"""


@dataclass(frozen=True)
class Expected:
    """What a sample's proposal must be."""

    setup: str | None
    dev: str
    port: int
    watched: tuple[str, ...]
    folder: str = ""
    reason: str = ""


EXPECTED = {
    "vite": Expected(
        "npm ci",
        "npm run dev",
        5173,
        ("package-lock.json",),
        reason="package.json has a script dev that runs Vite; it listens on port 5173 (its default).",
    ),
    "nextjs": Expected(
        "npm ci",
        "npm run dev",
        3000,
        ("package-lock.json",),
        reason="package.json has a script dev that runs Next.js; it listens on port 3000 (its default).",
    ),
    "express": Expected(
        "npm ci",
        "PORT=4000 npm start",
        4000,
        ("package-lock.json",),
        reason="package.json has a script start: 'node src/server.js'; src/server.js listens on port 4000.",
    ),
    "flask": Expected(
        f"{VENV}.venv/bin/pip install -r requirements.txt",
        ".venv/bin/flask --app app run --debug --host 0.0.0.0 --port 5000",
        5000,
        ("requirements.txt",),
        reason="app.py holds the Flask app 'app'; its server is given port 5000.",
    ),
    "django": Expected(
        f"{VENV}.venv/bin/pip install -r requirements.txt\n.venv/bin/python manage.py migrate --noinput",
        ".venv/bin/python manage.py runserver 0.0.0.0:8000",
        8000,
        ("requirements.txt",),
        reason="manage.py is Django's; its server is given port 8000.",
    ),
    "fastapi": Expected(
        f"{VENV}.venv/bin/pip install fastapi==0.165.0 uvicorn==0.54.0\n.venv/bin/pip install watchfiles",
        ".venv/bin/uvicorn app.main:api --reload --host 0.0.0.0 --port 8000",
        8000,
        (),
        reason="app/main.py holds the FastAPI app 'api'; its server is given port 8000.",
    ),
    "static": Expected(
        None,
        "python3 -m http.server 8000",
        8000,
        (),
        reason="index.html is a page, and nothing else starts a server: the root is served on port 8000.",
    ),
    "postgres": Expected(
        f"{POSTGRESQL}npm ci\nnpm run db:migrate",
        'export DATABASE_URL="${DATABASE_URL:-postgres://app:app@localhost:5432/app}"\n'
        "sudo service postgresql start\n"
        "npm run dev",
        3000,
        ("package-lock.json",),
        reason="Express in the root depends on pg, so PostgreSQL runs in the sandbox.",
    ),
    "monorepo": Expected(
        "set -e\nnpm ci\n(cd packages/greeting && npm run build)",
        "cd apps/web && npm run dev",
        5180,
        ("package-lock.json",),
        folder="apps/web",
        reason="apps/web/package.json is a member of the workspace in the root, which is installed there.",
    ),
}


def read_sample(name: str) -> RepositoryFiles:
    """Return a sample as a commit of it would be read."""
    folder = SAMPLES / name
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    # What somebody left there by trying the sample out is in no commit.
    paths = [path for path in found if not {"node_modules", ".venv", "__pycache__", ".next"} & set(path.split("/"))]
    return RepositoryFiles(frozenset(paths), {path: (folder / path).read_text() for path in worth_reading(paths)})


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_set_up_and_started_as_its_people_would(name: str) -> None:
    proposal, expected = detect(read_sample(name)), EXPECTED[name]
    assert proposal.setup_command == expected.setup
    assert proposal.dev_command == expected.dev
    assert (proposal.port, proposal.folder) == (expected.port, expected.folder)
    assert proposal.watched_files == expected.watched
    assert expected.reason in proposal.reasons
    assert not proposal.processes


def test_every_sample_is_in_the_table() -> None:
    assert {folder.name for folder in SAMPLES.iterdir()} == EXPECTED.keys()


def test_lock_files_of_samples_name_no_registry() -> None:
    for lock in SAMPLES.rglob("package-lock.json"):
        assert '"resolved": "http' not in lock.read_text(), lock
