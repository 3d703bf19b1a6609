"""Every error that Lot raises on purpose, in families by who can put it right.

`code` is stable on the wire; HTTP statuses live in `api/errors.py`. A message names the thing, what was seen and
the next step. Facts travel as attributes.
"""

from typing import ClassVar


class LotError(Exception):
    """Root of everything raised on purpose."""

    code: ClassVar[str] = "internal"


class CallerError(LotError):
    """The caller can put it right by asking differently."""

    code = "caller"


class UnavailableError(LotError):
    """Time, or the operator, can put it right; the same call may succeed later."""

    code = "unavailable"


class InvalidInputError(CallerError):
    """A value is not acceptable."""

    code = "input.invalid"


class TooLargeError(CallerError):
    """Something exceeds a limit of size."""

    code = "input.too_large"


class UnauthenticatedError(CallerError):
    """No valid credential came with the request."""

    code = "auth.required"


class SignInRefusedError(CallerError):
    """A name, password, link or account does not let in."""

    code = "auth.refused"


class ForbiddenError(CallerError):
    """Who asks is known, and may not do this."""

    code = "forbidden"


class ForbiddenOriginError(ForbiddenError):
    """A browser asks on behalf of a page that is not Lot's own."""

    code = "forbidden.origin"


class ForbiddenHostError(ForbiddenError):
    """The request names a host that is not known to be Lot."""

    code = "forbidden.host"


class TooManyAttemptsError(CallerError):
    """Sign-in was tried too often; it may be tried again in `retry_after_s`."""

    code = "auth.too_many_attempts"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SignInProviderError(UnavailableError):
    """A provider of sign-in elsewhere refused, or did not answer as it should."""

    code = "auth.provider"


class NotFoundError(CallerError):
    """Nothing with that id exists."""

    code = "not_found"


class TransitionNotAllowedError(CallerError):
    """The trigger means nothing in the present state."""

    code = "session.transition_not_allowed"

    def __init__(self, state: str, trigger: str) -> None:
        super().__init__(f"{trigger} does not apply while {state}")
        self.state, self.trigger = state, trigger


class BudgetReachedError(CallerError):
    """A budget of the session or its project is used up; nothing more is asked of a model."""

    code = "budget.reached"


class ProjectNotReadyError(CallerError):
    """A session needs a snapshot that the project does not have."""

    code = "project.not_ready"


class EnvironmentChangedError(CallerError):
    """Somebody else changed a project's environment since the caller read it; nothing was changed."""

    code = "environment.changed"


class StaleWriteError(LotError):
    """Somebody else changed the row in between: read again, decide again."""

    code = "stale_write"


class StaleEpochError(CallerError):
    """The caller acts for an epoch that is over; its effect is refused."""

    code = "lease.stale_epoch"


class LeaseHeldError(UnavailableError):
    """Another runner still holds the session's lease."""

    code = "lease.held"


class RuntimeMissingError(UnavailableError):
    """No proven sandbox runtime is installed."""

    code = "runtime.missing"


class SetupError(UnavailableError):
    """Setting up this machine failed."""

    code = "setup.failed"


class HostFullError(UnavailableError):
    """The host lacks memory or disk for what was asked; nothing that runs is touched."""

    code = "host.full"


class SandboxUnavailableError(UnavailableError):
    """The sandbox was never reached, or is gone."""

    code = "sandbox.unavailable"


class BootFailedError(UnavailableError):
    """A sandbox did not come up."""

    code = "sandbox.boot_failed"


class PauseFailedError(UnavailableError):
    """A sandbox's memory could not be saved; its disk is safe."""

    code = "sandbox.pause_failed"


class ImageDamagedError(UnavailableError):
    """A hibernation image is missing, incomplete, altered or made for another runtime or CPU."""

    code = "image.damaged"


class ImageUnavailableError(UnavailableError):
    """The image that a project's sandboxes are to be made of could not be fetched, built or unpacked."""

    code = "base_image.unavailable"


class ImageUnfitError(CallerError):
    """An image lacks what a sandbox needs, and the message says what to add."""

    code = "base_image.unfit"


class CommandTimedOutError(UnavailableError):
    """A command was killed, with its children, after its time limit."""

    code = "command.timed_out"


class GitError(UnavailableError):
    """A git operation failed; the message holds what git said."""

    code = "git.failed"


class AccountRefusedError(GitError):
    """A git host refuses the account: its token was revoked or has expired, or lacks a right."""

    code = "git.account_refused"


class HostUnreachableError(GitError):
    """A git host does not answer, or answers that it cannot."""

    code = "git.unreachable"


class RateLimitedError(GitError):
    """A git host answers no more requests of the account for `retry_after_s`."""

    code = "git.rate_limited"

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotSupportedError(CallerError):
    """The git host cannot do that, or Lot cannot do it there."""

    code = "git.not_supported"


class RepositoryError(CallerError):
    """A repository is unreachable, empty, or lacks the branch."""

    code = "git.repository"


class SetupCommandError(UnavailableError):
    """A project's setup command failed, or its dev server never answered; its log is kept and setup can be retried."""

    code = "project.setup_failed"


class ProviderError(UnavailableError):
    """The model provider refused or could not be reached."""

    code = "model.provider"


class KeyRefusedError(ProviderError):
    """The model provider does not know the key."""

    code = "model.key_refused"


class AgentError(UnavailableError):
    """The agent program failed or is gone."""

    code = "agent.failed"


class RunnerGoneError(UnavailableError):
    """The runner of a session cannot be reached."""

    code = "runner.gone"


class NothingToDoError(CallerError):
    """The request has no effect, such as a pull request without changes."""

    code = "nothing_to_do"


class PushOffError(CallerError):
    """Web Push is switched off for this installation."""

    code = "push.off"


class PushFailedError(UnavailableError):
    """A push service did not take a notice; the message says what it answered."""

    code = "push.failed"


class PushDeviceGoneError(UnavailableError):
    """A push service says that a browser takes no notices any more."""

    code = "push.device_gone"
