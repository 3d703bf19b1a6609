"""Python repositories: how dependencies are installed, and where the app object is."""

import pytest

from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles

FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MANAGE = "import django\n"
SERVED = {"requirements.txt": "fastapi[standard]\n"}


def proposal(files: dict[str, str]) -> SetupProposal:
    return detect(RepositoryFiles.of(files))


def installs(files: dict[str, str]) -> list[str]:
    """Return the lines of the set-up that follow the making of `.venv`."""
    command = proposal({"main.py": FASTAPI, **files}).setup_command
    assert command is not None
    lines = command.splitlines()
    return lines[1 + next(number for number, line in enumerate(lines) if line.startswith("python3 -m venv .venv")) :]


TOOLS = "python3 -m venv ~/.tools && ~/.tools/bin/pip install"


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"requirements.txt": "fastapi[standard]==1\n"}, [".venv/bin/pip install -r requirements.txt"]),
        (
            {"requirements/dev.txt": "-r base.txt\n", "requirements/base.txt": "fastapi[standard]\n"},
            [".venv/bin/pip install -r requirements/dev.txt"],
        ),
        (
            {"pyproject.toml": '[project]\nname = "a"\ndependencies = ["fastapi[standard]"]\n', "uv.lock": ""},
            [f"{TOOLS} uv", "~/.tools/bin/uv sync --frozen --inexact --python .venv/bin/python"],
        ),
        (
            {
                "pyproject.toml": '[tool.poetry]\nname = "a"\n'
                '[tool.poetry.dependencies]\nuvicorn = {extras = ["standard"]}\n'
            },
            [
                f"{TOOLS} poetry",
                "POETRY_VIRTUALENVS_IN_PROJECT=true ~/.tools/bin/poetry install --no-interaction --no-root",
            ],
        ),
        (
            {
                "pyproject.toml": '[project]\nname = "a-b"\ndependencies = ["uvicorn[standard]"]\n',
                "poetry.lock": "",
                "src/a_b/__init__.py": "",
            },
            [f"{TOOLS} poetry", "POETRY_VIRTUALENVS_IN_PROJECT=true ~/.tools/bin/poetry install --no-interaction"],
        ),
        (
            {"Pipfile": '[packages]\nuvicorn = {extras = ["standard"]}\n', "Pipfile.lock": "{}"},
            [f"{TOOLS} pipenv", "PIPENV_VENV_IN_PROJECT=1 ~/.tools/bin/pipenv sync --dev"],
        ),
        (
            {
                "pyproject.toml": '[project]\nname = "a"\ndependencies = ["fastapi[standard]>=1,<2"]\n'
                '[dependency-groups]\ndev = ["pytest"]\n'
            },
            [".venv/bin/pip install 'fastapi[standard]>=1,<2' --group dev"],
        ),
        (
            {
                "pyproject.toml": '[build-system]\nrequires = []\n[project]\nname = "a"\n'
                'dependencies = ["fastapi[standard]"]\n'
            },
            [".venv/bin/pip install -e ."],
        ),
        ({"setup.py": "setup()"}, [".venv/bin/pip install -e .", ".venv/bin/pip install uvicorn watchfiles"]),
        ({}, [".venv/bin/pip install fastapi", ".venv/bin/pip install uvicorn watchfiles"]),
        (
            {"requirements.txt": "fastapi\nuvicorn\nalembic\n", "alembic.ini": ""},
            [
                ".venv/bin/pip install -r requirements.txt",
                ".venv/bin/pip install watchfiles",
                ".venv/bin/alembic upgrade head",
            ],
        ),
    ],
)
def test_dependencies_are_installed_as_the_project_has_them(files: dict[str, str], lines: list[str]) -> None:
    assert installs(files) == lines


@pytest.mark.parametrize(
    ("files", "app"),
    [
        ({"main.py": FASTAPI}, "main:app"),
        ({"app/__init__.py": "", "app/main.py": FASTAPI}, "app.main:app"),
        ({"app/main.py": f"from app.settings import X\n{FASTAPI}"}, "app.main:app"),
        ({"service/main.py": f"import settings\n{FASTAPI}"}, "main:app --app-dir service"),
        ({"src/shop/__init__.py": "", "src/shop/api.py": FASTAPI}, "shop.api:app --app-dir src"),
        ({"main.py": FASTAPI.replace("app =", "server: FastAPI =")}, "main:server"),
        ({"main.py": "def create_app() -> FastAPI:\n    return FastAPI()\n"}, "main:create_app --factory"),
        ({"main.py": "def build(name='x'):\n    api = FastAPI()\n    return api\n"}, "main:build --factory"),
        ({"tests/main.py": FASTAPI, "zoo.py": FASTAPI}, "zoo:app"),
        ({"helper.py": FASTAPI, "main.py": FASTAPI}, "main:app"),
    ],
)
def test_the_fastapi_app_is_found(files: dict[str, str], app: str) -> None:
    made = proposal({**SERVED, **files})
    assert made.dev_command == f".venv/bin/uvicorn {app} --reload --host 0.0.0.0 --port 8000"
    assert made.port == 8000


def test_a_factory_that_needs_arguments_is_none() -> None:
    source = "def create_app(settings: Settings) -> FastAPI:\n    app = FastAPI()\n    return app\n"
    assert proposal({**SERVED, "main.py": source}).dev_command is None


@pytest.mark.parametrize(
    ("files", "app"),
    [
        ({"app.py": FLASK}, "app"),
        ({"wsgi.py": FLASK.replace("app =", "site =")}, "wsgi:site"),
        ({"shop/__init__.py": "def create_app(config=None):\n    app = Flask(__name__)\n    return app\n"}, "shop"),
        (
            {
                "shop/__init__.py": "def create_app(kind):\n    app = Flask(__name__)\n",
                "run.py": "from shop import create_app\napp = create_app('dev')\n",
            },
            "run",
        ),
        ({"server/app.py": FLASK}, "server/app"),
    ],
)
def test_the_flask_app_is_found(files: dict[str, str], app: str) -> None:
    made = proposal({"requirements.txt": "flask\n", **files})
    assert made.dev_command == f".venv/bin/flask --app {app} run --debug --host 0.0.0.0 --port 5000"


def test_flask_migrations_are_run() -> None:
    files = {"requirements.txt": "Flask_Migrate\n", "app.py": FLASK, "migrations/env.py": ""}
    command = proposal(files).setup_command
    assert command is not None
    assert command.endswith("\n.venv/bin/flask --app app db upgrade")


def test_django_below_its_requirements_is_started_from_above() -> None:
    made = proposal({"requirements.txt": "django\n", "shop/manage.py": MANAGE})
    assert made.dev_command == ".venv/bin/python shop/manage.py runserver 0.0.0.0:8000"
    assert made.folder == ""
    assert any("ALLOWED_HOSTS" in note for note in made.notes)


def test_django_with_a_package_json_beside_it_takes_that_for_assets() -> None:
    made = proposal(
        {"requirements.txt": "django\n", "manage.py": MANAGE, "package.json": '{"scripts": {"dev": "vite"}}'}
    )
    assert made.dev_command == ".venv/bin/python manage.py runserver 0.0.0.0:8000"
    assert made.setup_command is not None
    assert made.setup_command.endswith("npm install\n.venv/bin/python manage.py migrate --noinput")


def test_a_backend_beside_a_frontend_is_a_process() -> None:
    made = proposal(
        {
            "backend/requirements.txt": "fastapi[standard]\n",
            "backend/main.py": FASTAPI,
            "frontend/package.json": '{"scripts": {"dev": "vite"}}',
        }
    )
    assert (made.dev_command, made.port) == ("cd frontend && npm run dev", 5173)
    assert [(one.name, one.command, one.port) for one in made.processes] == [
        ("backend", "cd backend && .venv/bin/uvicorn main:app --reload --host 0.0.0.0 --port 8000", 8000)
    ]
    assert made.setup_command is not None
    assert "(cd backend && .venv/bin/pip install -r requirements.txt)" in made.setup_command
    assert "(cd frontend && npm install)" in made.setup_command


def test_a_pyproject_of_a_linter_is_no_project() -> None:
    made = proposal({"pyproject.toml": "[tool.ruff]\n", "package.json": '{"scripts": {"dev": "vite"}}'})
    assert made.setup_command == "npm install"


def test_headers_are_installed_for_what_has_no_binaries() -> None:
    command = proposal({"requirements.txt": "flask\npsycopg2\n", "app.py": FLASK}).setup_command
    assert command is not None
    assert "gcc libpq-dev python3-dev postgresql" in command


def test_a_python_that_the_sandbox_lacks_is_a_note() -> None:
    pyproject = '[project]\nname = "a"\nrequires-python = ">=3.9,<3.12"\ndependencies = ["flask"]\n'
    assert any("asks for Python" in note for note in proposal({"pyproject.toml": pyproject, "app.py": FLASK}).notes)
    fitting = pyproject.replace("<3.12", "<4.0")
    assert not any("asks for Python" in note for note in proposal({"pyproject.toml": fitting, "app.py": FLASK}).notes)


def test_a_library_has_a_setup_and_no_dev_server() -> None:
    made = proposal({"pyproject.toml": '[build-system]\n[project]\nname = "a"\n', "a/__init__.py": ""})
    assert made.setup_command is not None
    assert made.setup_command.endswith(".venv/bin/pip install -e .")
    assert made.dev_command is None
    assert "Nothing was found that starts a dev server." in made.notes


def test_a_member_of_a_uv_workspace_uses_the_environment_of_its_root() -> None:
    made = proposal(
        {
            "pyproject.toml": '[dependency-groups]\ndev = ["ruff"]\n[tool.uv.workspace]\nmembers = ["backend"]\n',
            "uv.lock": "",
            "backend/pyproject.toml": '[build-system]\n[project]\nname = "b"\ndependencies = ["fastapi[standard]"]\n',
            "backend/app/__init__.py": "",
            "backend/app/main.py": FASTAPI,
            "backend/alembic.ini": "",
        }
    )
    assert made.setup_command is not None
    assert made.setup_command.splitlines()[2:] == [
        f"{TOOLS} uv",
        "~/.tools/bin/uv sync --frozen --inexact --all-packages --python .venv/bin/python",
        "(cd backend && ../.venv/bin/alembic upgrade head)",
    ]
    assert made.dev_command == ("cd backend && ../.venv/bin/uvicorn app.main:app --reload --host 0.0.0.0 --port 8000")
    assert made.watched_files == ("uv.lock",)


def test_a_folder_named_like_its_framework_is_no_package() -> None:
    made = proposal({"fastapi/requirements.txt": "fastapi[standard]\n", "fastapi/app/main.py": FASTAPI})
    assert made.dev_command == (
        "cd fastapi && .venv/bin/uvicorn main:app --app-dir app --reload --host 0.0.0.0 --port 8000"
    )


def test_a_collection_of_servers_is_not_started_as_one_app() -> None:
    files = {
        f"demo{number}/{name}": text for number in range(9) for name, text in (*SERVED.items(), ("main.py", FASTAPI))
    }
    made = proposal(files)
    assert (made.processes, made.folder) == ((), "demo0")
    assert "The repository holds 8 servers beside FastAPI, which are not set up." in made.notes


def test_a_template_of_repositories_is_none() -> None:
    made = proposal({"{{cookiecutter.name}}/manage.py": MANAGE, "{{cookiecutter.name}}/requirements.txt": "django\n"})
    assert made.dev_command is None
