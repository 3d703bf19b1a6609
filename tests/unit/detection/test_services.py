"""Databases: how their need is seen, and what the app is told of them."""

import subprocess
from typing import Any

import pytest

from lot.detection.detect import detect
from lot.detection.proposal import SetupProposal
from lot.detection.repository import RepositoryFiles

COMPOSE = """\
services:
  web:
    build: .
    ports: ["8080:3000"]
    environment:
      DATABASE_URL: postgres://shop:${DB_PASSWORD:-geheim}@db:5432/shop?sslmode=disable
      DB_HOST: db
      QUEUE_URL: redis://cache:6379/3
      MODE: development
  db:
    image: postgres:16-alpine
    environment:
      - POSTGRES_USER=shop
      - POSTGRES_PASSWORD=${DB_PASSWORD:-geheim}
  cache:
    image: docker.io/library/redis:7@sha256:abc
  mail:
    image: axllent/mailpit
"""


def proposal(files: dict[str, str]) -> SetupProposal:
    return detect(RepositoryFiles.of(files))


def environment(files: dict[str, str]) -> dict[str, str]:
    """Return all that services tell the app."""
    return {name: value for one in proposal(files).services for name, value in one.environment.items()}


def test_a_compose_files_databases_run_in_the_sandbox_under_its_own_names() -> None:
    made = proposal({"compose.yaml": COMPOSE, "package.json": '{"scripts": {"dev": "make-it-run"}}'})
    postgresql, redis = made.services
    assert (postgresql.name, redis.name) == ("PostgreSQL", "Redis")
    assert postgresql.environment == {
        "DATABASE_URL": "postgres://shop:geheim@localhost:5432/shop?sslmode=disable",
        "DB_HOST": "localhost",
    }
    assert redis.environment == {
        "REDIS_URL": "redis://localhost:6379",
        "QUEUE_URL": "redis://localhost:6379/3",
    }
    assert postgresql.prepare is not None
    assert "ALTER ROLE \"shop\" LOGIN SUPERUSER PASSWORD 'geheim';" in postgresql.prepare
    assert made.dev_command == (
        'export DATABASE_URL="${DATABASE_URL:-postgres://shop:geheim@localhost:5432/shop?sslmode=disable}"\n'
        'export DB_HOST="${DB_HOST:-localhost}"\n'
        'export REDIS_URL="${REDIS_URL:-redis://localhost:6379}"\n'
        'export QUEUE_URL="${QUEUE_URL:-redis://localhost:6379/3}"\n'
        "sudo service postgresql start\n"
        "sudo service redis-server start\n"
        "npm run dev"
    )
    assert made.port == 3000
    assert "compose.yaml also wants axllent/mailpit, which is not set up." in made.notes
    assert "compose.yaml has a service db from the image postgres, so PostgreSQL runs in the sandbox." in made.reasons
    assert made.watched_files == ("compose.yaml",)


def test_setup_installs_starts_and_prepares_services_before_the_app() -> None:
    command = proposal({"compose.yml": COMPOSE, "requirements.txt": "flask\n"}).setup_command
    assert command is not None
    steps = [
        "install --yes --no-install-recommends postgresql redis-server",
        "sudo service postgresql start",
        "sudo service redis-server start",
        "sudo -u postgres psql",
        "export DATABASE_URL=",
        "python3 -m venv .venv",
    ]
    places = [command.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("files", "service"),
    [
        ({"package.json": '{"dependencies": {"pg": "8"}}'}, "PostgreSQL"),
        ({"requirements.txt": "psycopg[binary]>=3\n"}, "PostgreSQL"),
        ({"Gemfile": "gem 'pg'\n"}, "PostgreSQL"),
        ({"go.mod": "module x\nrequire github.com/jackc/pgx/v5 v5.7.0\n"}, "PostgreSQL"),
        ({"go.mod": "module x\nrequire (\n\tgithub.com/redis/go-redis/v9 v9.1.0\n)\n"}, "Redis"),
        ({"package.json": '{"dependencies": {"bullmq": "5"}}'}, "Redis"),
        ({"requirements.txt": "celery[redis]\n"}, "Redis"),
        ({".env.example": "CACHE=redis://localhost:6379/1\n"}, "Redis"),
        (
            {"requirements.txt": "django\n", "manage.py": "django", "x/settings.py": "django.db.backends.postgresql"},
            "PostgreSQL",
        ),
    ],
)
def test_a_client_shows_that_a_service_is_needed(files: dict[str, str], service: str) -> None:
    assert [one.name for one in proposal(files).services] == [service]


@pytest.mark.parametrize(
    ("requirements", "scheme"),
    [
        ("sqlalchemy\npsycopg[binary]\n", "postgresql+psycopg"),
        ("flask-sqlalchemy\nasyncpg\n", "postgresql+asyncpg"),
        ("sqlalchemy\npsycopg2-binary\n", "postgresql"),
        ("asyncpg\n", "postgresql"),
    ],
)
def test_sqlalchemy_is_told_the_driver_that_is_there(requirements: str, scheme: str) -> None:
    assert environment({"requirements.txt": requirements})["DATABASE_URL"] == f"{scheme}://app:app@localhost:5432/app"


def test_variables_that_sources_read_are_set() -> None:
    settings = 'os.environ["POSTGRES_HOST"], os.getenv("DB_NAME", "x"), env("PGPASSWORD"), os.environ.get("SECRET")'
    given = environment({"requirements.txt": "psycopg\n", "app/settings.py": settings})
    assert given == {
        "DATABASE_URL": "postgresql://app:app@localhost:5432/app",
        "POSTGRES_HOST": "localhost",
        "DB_NAME": "app",
        "PGPASSWORD": "app",
    }


def test_example_variables_are_named_and_their_values_are_not_used() -> None:
    made = proposal(
        {
            ".env.example": "# comment\nexport API_KEY='sk-geheim'\nDATABASE_URL=\nPOSTGRES_PASSWORD=geheim\n",
            "package.json": '{"scripts": {"dev": "vite"}, "dependencies": {"pg": "8"}}',
        }
    )
    assert made.environment_keys == ("API_KEY", "DATABASE_URL", "POSTGRES_PASSWORD")
    assert "geheim" not in made.model_dump_json()
    assert ".env.example lists API_KEY: set those that the app does not start without." in made.notes


def test_a_login_that_a_shell_would_obey_is_not_taken() -> None:
    compose = (
        'services: {db: {image: postgres, environment: {POSTGRES_USER: "a\'; reboot", POSTGRES_PASSWORD: "$(x)"}}}'
    )
    (service,) = proposal({"compose.yaml": compose}).services
    assert service.environment == {"DATABASE_URL": "postgresql://app:app@localhost:5432/app"}


def test_the_extension_of_an_image_is_installed() -> None:
    (service,) = proposal({"compose.yaml": "services: {db: {image: 'pgvector/pgvector:pg17'}}"}).services
    assert service.packages == ("postgresql", "postgresql-17-pgvector")
    assert service.environment["DATABASE_URL"] == "postgresql://postgres:postgres@localhost:5432/postgres"


@pytest.mark.postgres
def test_a_real_server_is_prepared_and_may_be_again(postgres_server: Any) -> None:
    (service,) = proposal({"requirements.txt": "psycopg\n"}).services
    assert service.prepare is not None
    words, sql = service.prepare.split(" <<'SQL'\n")
    options = words.removeprefix("sudo -u postgres psql ").split()
    psql = [str(postgres_server.binaries / "psql"), "--host", str(postgres_server.folder)]
    for _ in range(2):
        done = subprocess.run(
            [*psql, "--username", "postgres", *options],
            input=sql.removesuffix("SQL"), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    asked = subprocess.run(
        [*psql, "--username", "app", "--dbname", "app", "--tuples-only", "--command", "SELECT current_user"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert asked.stdout.strip() == "app"


def test_a_tracked_env_fills_in_the_compose_file() -> None:
    variables = "['POSTGRES_PASSWORD=${PASS:?not set}', 'POSTGRES_DB=${N-shop}']"
    compose = f"services: {{db: {{image: postgres, environment: {variables}}}}}"
    files = {"compose.yaml": compose, ".env": "PASS=changethis\nURL=postgres://postgres:${PASS}@localhost/shop\n"}
    assert environment(files) == {
        "DATABASE_URL": "postgresql://postgres:changethis@localhost:5432/shop",
        "URL": "postgres://postgres:changethis@localhost:5432/shop",
    }


def test_an_indirect_dependency_shows_nothing() -> None:
    made = proposal({"go.mod": "module x\nrequire (\n\tgithub.com/lib/pq v1.10.0 // indirect\n)\n"})
    assert not made.services
