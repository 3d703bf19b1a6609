"""The web application's own tests, and that it knows the API as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web_types import OPENAPI, described

WEB = Path(__file__).parents[2] / "web"


async def test_web_types_are_those_of_the_api(tmp_path: Path) -> None:
    assert OPENAPI.read_text() == await described(tmp_path), "run `make web-types` and commit what it writes"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_web_application_passes_its_own_tests() -> None:
    if not (WEB / "node_modules").is_dir():
        pytest.skip("web/node_modules is missing: run `setup/web.sh --packages`")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["npm", "--prefix", str(WEB), "--silent", "test"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
