"""A runtime is chosen only when it passed its proof, and is kept until something of it changes."""

import hashlib
import json
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from lot.core.errors import RuntimeMissingError, SetupError
from lot.sandbox.progress import silent
from lot.sandbox.runtime import Proof, install_runtime, load_runtime
from lot.sandbox.runtime_sources import Fetched, RuntimeSource, SourceName, fetch_from_debian, fetch_from_upstream

PROOF = Proof(platform="systrap", needs_sysctl_mask=True, boot_s=0.3, checkpoint_s=0.1, restore_s=0.2, total_s=0.7)
FAKE_RUNSC = """#!/bin/sh
case "$1" in
--version) echo "runsc version {version}" ;;
restore) printf '  -direct\\n  -background\\n' ;;
esac
"""


def passes(binary: Path, *, platform: str) -> Proof:
    return PROOF


def gives(name: SourceName, version: str) -> RuntimeSource:
    def fetch(into: Path, fetched: Fetched) -> None:
        into.write_text(FAKE_RUNSC.format(version=version))

    return RuntimeSource(name=name, fetch=fetch)


def gives_nothing(name: SourceName) -> RuntimeSource:
    def fetch(into: Path, fetched: Fetched) -> None:
        raise SetupError("no network")

    return RuntimeSource(name=name, fetch=fetch)


def test_preferred_source_is_chosen_and_recorded_as_it_is_loaded(tmp_path: Path) -> None:
    chosen = install_runtime(tmp_path, silent, [gives("installed", "1.0"), gives("upstream", "2.0")], passes)
    assert (chosen.version, chosen.source, chosen.needs_sysctl_mask) == ("1.0", "installed", True)
    assert chosen.global_flags == ("--platform=systrap", "--overlay2=none", "--net-disconnect-ok")
    assert chosen.features == {"restore_background", "restore_direct"}
    assert chosen.sha256 == hashlib.sha256(chosen.path.read_bytes()).hexdigest()
    assert load_runtime(tmp_path) == chosen


def test_candidate_that_fails_its_proof_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    def fails_version_one(binary: Path, *, platform: str) -> Proof:
        if "1.0" in binary.read_text():
            raise SetupError("the sentry panics")
        return PROOF

    sources = [gives("installed", "1.0"), gives_nothing("upstream"), gives("debian-trixie", "2.0")]
    chosen = install_runtime(tmp_path, silent, sources, fails_version_one)
    assert chosen.version == "2.0"
    assert [(each.source, each.reason) for each in load_runtime(tmp_path).rejected] == [
        ("installed", "the sentry panics"),
        ("upstream", "no network"),
    ]


def test_when_no_candidate_works_every_reason_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"upstream: no network\n  debian-trixie: no network") as caught:
        install_runtime(tmp_path, silent, [gives_nothing("upstream"), gives_nothing("debian-trixie")], passes)
    assert "Next step" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_proven_runtime_is_kept_without_a_second_proof(tmp_path: Path) -> None:
    first = install_runtime(tmp_path, silent, [gives("installed", "1.0")], passes)
    again = install_runtime(tmp_path, silent, [gives_nothing("installed")], passes)
    assert again == first


def alter_binary(runtime_dir: Path) -> None:
    load_runtime(runtime_dir).path.write_text("damaged")


def tell_of_another_kernel(runtime_dir: Path) -> None:
    record = runtime_dir / "runtime.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"kernel": "0.0.1"}))


def cut_record_short(runtime_dir: Path) -> None:
    record = runtime_dir / "runtime.json"
    record.write_text(record.read_text()[:20])


@pytest.mark.parametrize("change", [alter_binary, tell_of_another_kernel, cut_record_short])
def test_runtime_is_chosen_anew_when_something_of_it_changed(tmp_path: Path, change: Callable[[Path], None]) -> None:
    install_runtime(tmp_path, silent, [gives("installed", "1.0")], passes)
    change(tmp_path)
    assert install_runtime(tmp_path, silent, [gives("installed", "2.0")], passes).version == "2.0"


def test_missing_runtime_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(RuntimeMissingError, match="lot setup"):
        load_runtime(tmp_path)


def test_unknown_processor_is_refused_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SetupError, match="riscv64"):
        install_runtime(tmp_path, silent, [], passes)


def test_program_that_is_no_runsc_is_passed_over(tmp_path: Path) -> None:
    def fetch(into: Path, fetched: Fetched) -> None:
        into.write_text("#!/bin/sh\necho hello\n")

    with pytest.raises(SetupError, match="states no version"):
        install_runtime(tmp_path, silent, [RuntimeSource(name="installed", fetch=fetch)], passes)


def test_unreachable_upstream_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be downloaded"):
        fetch_from_upstream(tmp_path / "runsc", lambda part: None, base="http://127.0.0.1:9")


def test_unreachable_mirror_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="apt-get"):
        fetch_from_debian(tmp_path / "runsc", lambda part: None, [])
