"""The runtime in place on this machine passes its proof, and set-up finds nothing left to do."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from lot.config import Settings
from lot.core.errors import SetupError
from lot.sandbox.base_image import ensure_base_image, find_base_image
from lot.sandbox.debian_mirror import debian_sources, read_sources
from lot.sandbox.progress import silent
from lot.sandbox.runtime import install_runtime, load_runtime, prove

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def test_installed_runtime_boots_saves_and_restores_and_leaves_no_namespace() -> None:
    runtime = load_runtime(Settings().runtime_dir)
    proof = prove(runtime.path, platform=runtime.platform)
    assert proof.needs_sysctl_mask == runtime.needs_sysctl_mask
    assert not list(Path("/run/netns").glob("lot-proof-*"))


def test_binary_that_is_no_runtime_fails_its_proof() -> None:
    with pytest.raises(SetupError, match="too old"):
        prove(Path("/bin/echo"))


def test_second_setup_does_nothing() -> None:
    settings = Settings()
    image = find_base_image(settings.images_dir)
    assert install_runtime(settings.runtime_dir, silent, sources=()) == load_runtime(settings.runtime_dir)
    assert ensure_base_image(settings.images_dir, silent, debian_sources(read_sources(Path("/etc/apt")))) == image


def test_base_image_has_the_user_and_the_folders_that_sessions_need() -> None:
    image = find_base_image(Settings().images_dir)
    assert image is not None
    users = (image.rootfs / "etc/passwd").read_text()
    assert "lot:x:1000:1000::/home/lot:/bin/bash" in users
    assert all((image.rootfs / folder).is_dir() for folder in ("workspace", "opt/lot", "run/lot", "home/lot"))
    assert (image.rootfs / "workspace").stat().st_uid == 1000
    assert (image.rootfs / "etc/sudoers.d/lot").stat().st_mode & 0o777 == 0o440


def test_proof_that_was_killed_half_way_leaves_nothing_after_the_next() -> None:
    runtime = load_runtime(Settings().runtime_dir)
    script = f"from pathlib import Path; from lot.sandbox.runtime import prove; prove(Path({str(runtime.path)!r}))"
    with subprocess.Popen([sys.executable, "-c", script]) as half_way:
        while half_way.poll() is None and not list(Path("/run/netns").glob("lot-proof-*")):
            time.sleep(0.01)
        half_way.kill()
    prove(runtime.path, platform=runtime.platform)
    assert not list(Path("/run/netns").glob("lot-proof-*"))
    assert not list(Path(tempfile.gettempdir()).glob("lot-proof-*"))
