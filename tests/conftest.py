"""Fixtures that more than one folder of tests needs: the event loop, a PostgreSQL server, a store on each database."""

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lot.store.migrate import migrate
from lot.store.secrets import KEY_BYTES, SecretBox
from lot.store.store import Store

# Builders that tests share stand beside this file; pytest's importlib mode puts no folder of tests on the path.
sys.path.insert(0, str(Path(__file__).parent))
from github_description import Description, load_description

# Read once by the console that prints for `lot`, whenever it is first imported.
os.environ["COLUMNS"] = "200"

# Databases of tests lie in memory where there is room: a busy disk makes each commit wait for a minute.
MEMORY = Path("/dev/shm")
IN_MEMORY = MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30 else None
if IN_MEMORY is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))

STORE_KEY = bytes(range(KEY_BYTES))


@pytest.fixture
def anyio_backend() -> str:
    """Lot runs on asyncio; so do its tests."""
    return "asyncio"


@dataclass(frozen=True)
class PostgresServer:
    """A server of our own on a unix socket in a folder of its own."""

    folder: Path
    binaries: Path

    def start(self) -> None:
        """Make a cluster and start it; it listens on no network address, so no port can be taken."""
        self._run("initdb", "--pgdata", str(self.data), "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c max_connections=200 -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "--pgdata", str(self.data), "--log", str(self.log), "-o", options)

    def stop(self) -> None:
        """Stop the server of this data folder, and no other."""
        self._run("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", str(self.data))

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        self._run("createdb", "--host", str(self.folder), "--username", _SERVER_USER, name)
        return f"postgresql+asyncpg://{_SERVER_USER}@/{name}?host={self.folder}"

    def empty(self, database: str) -> None:
        """Remove every row of a store's tables."""
        statement = "TRUNCATE git_accounts, projects, secrets, users, sign_in_links, usage_days, defaults CASCADE"
        self._run("psql", "-h", str(self.folder), "-U", _SERVER_USER, "-d", database, "-qc", statement)

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "log"

    def _run(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root; every other user runs it as themselves.
        user = _SERVER_USER if os.getuid() == 0 else None
        # Output goes to a file: a server that was started would keep a pipe open for ever.
        with open(self.folder / "output", "ab") as output:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                timeout=60,
                check=False,
            )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{(self.folder / 'output').read_text()}")


_SERVER_USER = "postgres"
_SHARED = "shared"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a real PostgreSQL for this run, and stop it at its end."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    # Not pytest's folder: a unix socket's path is limited to 107 bytes, and user postgres must reach it.
    folder = Path(tempfile.mkdtemp(prefix="lot-postgres-", dir=IN_MEMORY))
    if os.getuid() == 0:
        shutil.chown(folder, _SERVER_USER, _SERVER_USER)
    server = PostgresServer(folder, binaries)
    try:
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """Return the URL of a database on the tests' own server, shared by the run; its tables exist."""
    url = postgres_server.create_database(_SHARED)
    asyncio.run(migrate(url))
    return url


@pytest.fixture
def box() -> SecretBox:
    """Encryption at rest under a key that tests know."""
    return SecretBox(STORE_KEY)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without rows, on SQLite and on PostgreSQL in turn."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'lot.db'}"
    url: str = request.getfixturevalue("postgres_url")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.empty(_SHARED)
    return url


@pytest.fixture
async def store(database_url: str, box: SecretBox) -> AsyncIterator[Store]:
    """Open an empty store on each database."""
    opened = await Store.open(database_url, box)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def github_description(request: pytest.FixtureRequest) -> Description:
    """Return GitHub's own description of its API; fetched once, and then kept in pytest's cache."""
    return load_description(request.config.cache.mkdir("github"))
