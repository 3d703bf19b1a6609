"""The sandbox runtime of this machine: chosen once, proved, and recorded with all that its callers must know of it.

Leaves out how one is fetched (`runtime_sources.py`) and how one is proved (`runtime_proof.py`).
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lot.core.errors import RuntimeMissingError, SetupError
from lot.sandbox.exclusive import exclusive
from lot.sandbox.progress import Progress
from lot.sandbox.runtime_proof import Proof, prove
from lot.sandbox.runtime_sources import RuntimeSource, SourceName, version_of

__all__ = ["Proof", "Rejected", "Runtime", "install_runtime", "load_runtime", "prove"]

RECORD = "runtime.json"
_CANDIDATE = ".candidate-"
_NEXT_STEP = "Next step: run `make setup` (or `lot setup`) as root."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A runtime that was not chosen, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The proven runtime. Its binary never changes: images are restored by the very build that saved them."""

    path: Path
    version: str
    source: SourceName
    sha256: str
    platform: str
    """`systrap`, or `kvm` where only that works."""
    needs_sysctl_mask: bool
    """Run and restore within the sandbox's network namespace and a private mount namespace that has an empty tmpfs over
    /proc/sys/net/core: an old runsc on kernel >= 6.15 takes every namespace for the host's."""
    features: frozenset[str]
    """Optional abilities of this build, such as `restore_background`, `fscheckpoint` or `checkpoint_compression`."""
    global_flags: tuple[str, ...]
    """Before the sub-command, and the same at run, checkpoint and restore of one sandbox: stored with its image."""
    kernel: str
    """Release of the kernel that it was proved on."""
    proved_at: datetime
    rejected: tuple[Rejected, ...] = ()


def load_runtime(runtime_dir: Path) -> Runtime:
    """Return the runtime that was proved on this machine.

    Raises:
        RuntimeMissingError: there is none, or its record or binary is gone.
    """
    record = runtime_dir / RECORD
    try:
        runtime = _from_json(json.loads(record.read_text()))
    except FileNotFoundError as error:
        raise RuntimeMissingError(f"No proven sandbox runtime in {runtime_dir}. {_NEXT_STEP}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RuntimeMissingError(f"{record} cannot be read: {error!r}. {_NEXT_STEP}") from error
    if not runtime.path.is_file():
        raise RuntimeMissingError(f"{runtime.path}, named in {record}, is gone. {_NEXT_STEP}")
    return runtime


def install_runtime(
    runtime_dir: Path,
    progress: Progress,
    sources: Sequence[RuntimeSource],
    prove: Callable[..., Proof] = prove,
) -> Runtime:
    """Make sure that a proven runtime is in `runtime_dir`; one proved on this kernel before is kept as it is.

    Each candidate is proved before it is chosen; one that fails is passed over, with the reason in the record.

    Args:
        runtime_dir: Made when missing.
        progress: Told of each step.
        sources: The preferred one first.
        prove: What a candidate must pass.

    Raises:
        SetupError: no candidate passed; the message has every reason.
    """
    _require_known_processor()
    runtime_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(runtime_dir / ".lock"):
        kept = _find_still_valid(runtime_dir)
        if kept is not None:
            progress(f"runsc {kept.version} is proved", 1.0)
            return kept
        for leftover in runtime_dir.glob(f"{_CANDIDATE}*"):
            shutil.rmtree(leftover)
        rejected: list[Rejected] = []
        for place, source in enumerate(sources):
            start, share = place / len(sources), 1 / len(sources)

            def at(what: str, finished: float, start: float = start, share: float = share) -> None:
                progress(what, start + share * finished)

            try:
                runtime = _try_source(runtime_dir, source, at, prove, tuple(rejected))
            except SetupError as error:
                rejected.append(Rejected(source=source.name, reason=str(error)))
                continue
            _write_record(runtime_dir, runtime)
            progress(f"runsc {runtime.version} ({runtime.source}) is proved", 1.0)
            return runtime
    reasons = "\n".join(f"  {candidate.source}: {candidate.reason}" for candidate in rejected)
    raise SetupError(
        f"No runsc works on this machine:\n{reasons}\nNext step: install a runsc that does "
        "(https://gvisor.dev/docs/user_guide/install), then run `lot setup` again."
    )


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_known_processor() -> None:
    if platform.machine() not in ("x86_64", "aarch64"):
        raise SetupError(
            f"The processor is {platform.machine()}; gVisor runs on x86_64 and aarch64 alone. "
            "Next step: set Lot up on such a machine."
        )


def _find_still_valid(runtime_dir: Path) -> Runtime | None:
    try:
        runtime = load_runtime(runtime_dir)
    except RuntimeMissingError:
        return None
    unchanged = runtime.kernel == platform.release() and sha256_of(runtime.path) == runtime.sha256
    return runtime if unchanged else None


def _try_source(
    runtime_dir: Path,
    source: RuntimeSource,
    progress: Progress,
    prove: Callable[..., Proof],
    rejected: tuple[Rejected, ...],
) -> Runtime:
    progress(f"looking for runsc: {source.name}", 0.0)
    with tempfile.TemporaryDirectory(prefix=_CANDIDATE, dir=runtime_dir) as name:
        candidate = Path(name) / "runsc"
        source.fetch(candidate, lambda part: progress(f"fetching runsc: {source.name}", part * 0.6))
        candidate.chmod(0o755)
        version = version_of(candidate)
        progress(f"proving runsc {version}: boot, write, checkpoint, restore, compare", 0.6)
        proof = _prove_on_some_platform(candidate, prove)
        digest = sha256_of(candidate)
        binary = _keep(candidate, runtime_dir / f"runsc-{re.sub('[^A-Za-z0-9.~+-]', '_', version)}-{digest[:8]}")
    return Runtime(
        path=binary,
        version=version,
        source=source.name,
        sha256=digest,
        platform=proof.platform,
        needs_sysctl_mask=proof.needs_sysctl_mask,
        features=_features(binary),
        global_flags=(f"--platform={proof.platform}", "--overlay2=none", "--net-disconnect-ok"),
        kernel=platform.release(),
        proved_at=datetime.now(UTC),
        rejected=rejected,
    )


def _prove_on_some_platform(candidate: Path, prove: Callable[..., Proof]) -> Proof:
    """Prefer systrap, which needs nothing of the machine; take kvm where systrap fails and there is a /dev/kvm."""
    try:
        return prove(candidate, platform="systrap")
    except SetupError:
        if not Path("/dev/kvm").exists():
            raise
    return prove(candidate, platform="kvm")


def _keep(candidate: Path, folder: Path) -> Path:
    """Move a proven binary to its place for good, complete and on disk before it can be named."""
    with candidate.open("rb") as file:
        os.fsync(file.fileno())
    folder.mkdir(exist_ok=True)
    return candidate.rename(folder / "runsc")


_FEATURES = {
    "restore_background": ("restore", "-background"),
    "restore_direct": ("restore", "-direct"),
    "checkpoint_compression": ("checkpoint", "-compression"),
    "checkpoint_direct": ("checkpoint", "-direct"),
    "checkpoint_exclude_zero_pages": ("checkpoint", "-exclude-committed-zero-pages"),
    "fscheckpoint": ("fscheckpoint", "-image-path"),
}
"""Name of a feature: the sub-command and the option that its help must list."""


def _features(binary: Path) -> frozenset[str]:
    return frozenset(
        feature
        for feature, (verb, option) in _FEATURES.items()
        if re.search(rf"^\s*{option}\b", _help(binary, verb), re.MULTILINE)
    )


def _help(binary: Path, verb: str) -> str:
    done = subprocess.run([binary, verb, "-help"], check=False, capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def _write_record(runtime_dir: Path, runtime: Runtime) -> None:
    values = asdict(runtime) | {
        "path": str(runtime.path),
        "features": sorted(runtime.features),
        "proved_at": runtime.proved_at.isoformat(),
    }
    unfinished = runtime_dir / f"{RECORD}.new"
    with unfinished.open("w") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(runtime_dir / RECORD)


def _from_json(values: dict[str, Any]) -> Runtime:
    return Runtime(
        **values
        | {
            "path": Path(values["path"]),
            "features": frozenset(values["features"]),
            "global_flags": tuple(values["global_flags"]),
            "proved_at": datetime.fromisoformat(values["proved_at"]),
            "rejected": tuple(Rejected(**rejected) for rejected in values["rejected"]),
        }
    )
