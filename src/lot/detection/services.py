"""PostgreSQL and Redis inside the sandbox: whether they are needed, how they start, what the app is told of them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lot.detection.app import App
from lot.detection.compose import ComposeDatabase, ComposeFile
from lot.detection.environment import ExampleVariables, read_variables
from lot.detection.proposal import ProposedService
from lot.detection.repository import Survey

_POSTGRES_CLIENTS = frozenset(
    {
        *("pg", "postgres", "pg-promise", "@vercel/postgres", "@prisma/adapter-pg", "slonik"),
        *("psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000", "aiopg"),
        *("github.com/lib/pq", "gorm.io/driver/postgres"),
    }
)
_REDIS_CLIENTS = frozenset(
    {
        *("redis", "ioredis", "bull", "bullmq", "connect-redis", "@keyv/redis"),
        *("django-redis", "channels-redis", "rq", "arq", "celery[redis]", "flask-redis"),
        *("sidekiq", "resque", "redis-rails"),
    }
)
_PGX = re.compile(r"github\.com/jackc/pgx(?:/v\d+)?")
_GO_REDIS = re.compile(r"github\.com/(?:redis/go-redis|go-redis/redis)(?:/v\d+)?")
_PRISMA = re.compile(r"provider\s*=\s*\"postgres(?:ql)?\"")
_DJANGO = "django.db.backends.postgresql"
_SCHEME = re.compile(r"(postgres(?:ql)?(?:\+\w+)?)://[^?]*(\?[\w=&.-]+)?$")
_REDIS_URL = re.compile(r"redis://[^?]*?(/\d+)?$")
_PART = re.compile(
    r"(?:POSTGRES(?:QL)?|PG|DB|DATABASE|SQL)_?(HOST|HOSTNAME|SERVER|PORT|USER|USERNAME|PASSWORD|PASS|NAME|DB|DATABASE)"
)
_WHOLE = re.compile(r"(?:POSTGRES(?:QL)?|PG|DB|DATABASE|SQLALCHEMY_DATABASE)_?(?:URL|URI|DSN)")
_REDIS_PART = re.compile(r"REDIS_?(HOST|HOSTNAME|PORT)")
_REDIS_WHOLE = re.compile(r"REDIS_?(?:URL|URI)|(?:CELERY_)?BROKER_URL|CELERY_RESULT_BACKEND")
_READ = re.compile(
    r"(?:process\.env\.|process\.env\[['\"]|environ(?:\.get)?[\[(]\s*['\"]|[gG]etenv\(\s*['\"]|LookupEnv\(\s*['\"]|"
    r"\bENV(?:\.fetch\(|\[)\s*['\"]|\benv(?:\.\w+)?\(\s*['\"]|\bconfig\(\s*['\"])([A-Z][A-Z0-9_]+)"
)
_PLAIN = re.compile(r"[\w.-]{1,63}")
"""What may stand in a command as it is."""
_POSTGRES_EXTENSIONS = {"pgvector": "postgresql-17-pgvector", "postgis": "postgresql-17-postgis-3"}


@dataclass(frozen=True, slots=True)
class Needs:
    """The services a repository needs, and why."""

    services: tuple[ProposedService, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Login:
    user: str = "app"
    password: str = "app"
    database: str = "app"


def find_services(survey: Survey, apps: list[App], compose: ComposeFile | None, examples: ExampleVariables) -> Needs:
    """Return what the apps need beside themselves."""
    dependencies = {name: app for app in apps for name in sorted(app.dependencies)}
    values = examples.values | read_variables(survey.text(".env")) | (compose.environment if compose else {})
    names = [*values, *_names_read(survey)]
    services, reasons = [], []
    for kind, make in (("postgresql", _postgresql), ("redis", _redis)):
        databases = [one for one in (compose.databases if compose else ()) if one.kind == kind]
        why = _evidence(survey, kind, dependencies, values)
        if compose and databases:
            why = f"{compose.path} has a service {databases[0].host} from the image {databases[0].image}"
        if why:
            services.append(make(databases[0] if databases else None, dependencies.keys(), values, names))
            reasons.append(f"{why}, so {services[-1].name} runs in the sandbox.")
    unknown = compose.unknown if compose else ()
    notes = [f"{compose.path} also wants {image}, which is not set up." for image in unknown] if compose else []
    return Needs(tuple(services), tuple(reasons), tuple(notes))


def _evidence(survey: Survey, kind: str, dependencies: Mapping[str, App], values: Mapping[str, str]) -> str | None:
    """Return the first sign that a service is needed."""
    is_postgres = kind == "postgresql"
    clients, module, url = (
        (_POSTGRES_CLIENTS, _PGX, _SCHEME) if is_postgres else (_REDIS_CLIENTS, _GO_REDIS, _REDIS_URL)
    )
    for name, app in dependencies.items():
        if name in clients or module.fullmatch(name):
            return f"{app.name} in {app.folder or 'the root'} depends on {name}"
    for path, text in sorted(survey.files.texts.items()):
        if is_postgres and path.endswith("schema.prisma") and _PRISMA.search(text):
            return f"{path} has PostgreSQL as its provider"
        if is_postgres and path.endswith(".py") and _DJANGO in text:
            return f"{path} names {_DJANGO}"
    named = next((name for name, value in values.items() if url.match(value)), None)
    return f"the example of {named} is an address of it" if named else None


def _postgresql(
    database: ComposeDatabase | None, dependencies: Iterable[str], values: Mapping[str, str], names: list[str]
) -> ProposedService:
    login = _login(database)
    address = f"{login.user}:{login.password}@localhost:5432/{login.database}"
    scheme = _scheme(set(dependencies))
    parts = {
        **dict.fromkeys(("HOST", "HOSTNAME", "SERVER"), "localhost"),
        **dict.fromkeys(("USER", "USERNAME"), login.user),
        **dict.fromkeys(("PASSWORD", "PASS"), login.password),
        **dict.fromkeys(("NAME", "DB", "DATABASE"), login.database),
        "PORT": "5432",
    }
    environment = {}
    for name in ("DATABASE_URL", *names):
        if found := _SCHEME.match(values.get(name, "")):
            environment[name] = f"{found[1]}://{address}{found[2] or ''}"
        elif name == "DATABASE_URL" or _WHOLE.fullmatch(name):
            environment[name] = f"{scheme}://{address}"
        elif part := _PART.fullmatch(name):
            environment[name] = parts[part[1]]
    extension = _POSTGRES_EXTENSIONS.get(database.image) if database else None
    return ProposedService(
        name="PostgreSQL",
        packages=("postgresql", *([extension] if extension else [])),
        start="sudo service postgresql start",
        prepare=_prepare_postgresql(login),
        environment=environment,
    )


def _login(database: ComposeDatabase | None) -> _Login:
    """Return who the app is to the database: as the compose file has it, because its settings may be fixed to that."""
    if database is None:
        return _Login()
    user = database.environment.get("POSTGRES_USER") or "postgres"
    password = database.environment.get("POSTGRES_PASSWORD") or "postgres"
    name = database.environment.get("POSTGRES_DB") or user
    return _Login(user, password, name) if all(map(_PLAIN.fullmatch, (user, password, name))) else _Login()


def _scheme(dependencies: set[str]) -> str:
    """Return how an address begins: SQLAlchemy takes psycopg2 unless the address names another driver."""
    if any("sqlalchemy" in name or name == "sqlmodel" for name in dependencies):
        for driver in ("psycopg", "asyncpg"):
            if driver in dependencies and not dependencies & {"psycopg2", "psycopg2-binary"}:
                return f"postgresql+{driver}"
    return "postgresql"


def _prepare_postgresql(login: _Login) -> str:
    return "\n".join(
        (
            "sudo -u postgres psql --quiet --set ON_ERROR_STOP=1 <<'SQL'",
            f"SELECT 'CREATE ROLE \"{login.user}\"' "
            f"WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login.user}')\\gexec",
            f"ALTER ROLE \"{login.user}\" LOGIN SUPERUSER PASSWORD '{login.password}';",
            f'SELECT \'CREATE DATABASE "{login.database}" OWNER "{login.user}"\' '
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{login.database}')\\gexec",
            "SQL",
        )
    )


def _redis(
    database: ComposeDatabase | None, dependencies: Iterable[str], values: Mapping[str, str], names: list[str]
) -> ProposedService:
    environment = {}
    for name in ("REDIS_URL", *names):
        if found := _REDIS_URL.match(values.get(name, "")):
            environment[name] = f"redis://localhost:6379{found[1] or ''}"
        elif name == "REDIS_URL" or (_REDIS_WHOLE.fullmatch(name) and not values.get(name)):
            environment[name] = "redis://localhost:6379"
        elif part := _REDIS_PART.fullmatch(name):
            environment[name] = "6379" if part[1] == "PORT" else "localhost"
    return ProposedService(
        name="Redis", packages=("redis-server",), start="sudo service redis-server start", environment=environment
    )


def _names_read(survey: Survey) -> list[str]:
    """Return the variables that the sources read."""
    found = (name for _, text in sorted(survey.files.texts.items()) for name in _READ.findall(text))
    return list(dict.fromkeys(found))
