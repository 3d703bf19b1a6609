"""The store: everything Lot remembers, in one object composed of a part per subject."""

from lot.store.agent_output import AgentOutputStore
from lot.store.api_tokens import ApiTokenStore
from lot.store.asks import AskStore
from lot.store.browser_sessions import BrowserSessionStore
from lot.store.credentials import CredentialStore
from lot.store.defaults import DefaultStore
from lot.store.diffs import DiffStore
from lot.store.git_accounts import GitAccountStore
from lot.store.held_answers import HeldAnswerStore
from lot.store.identities import IdentityStore
from lot.store.leases import LeaseStore
from lot.store.messages import MessageStore
from lot.store.projects import ProjectStore
from lot.store.pull_requests import PullRequestStore
from lot.store.push_devices import PushDeviceStore
from lot.store.sealing import SealingStore
from lot.store.session_marks import SessionMarkStore
from lot.store.sessions import SessionStore
from lot.store.sign_in_links import SignInLinkStore
from lot.store.snapshots import SnapshotStore
from lot.store.standings import StandingStore
from lot.store.transcript import TranscriptStore
from lot.store.usage import UsageStore
from lot.store.usage_days import UsageDayStore


class Store(
    ProjectStore,
    SnapshotStore,
    SessionStore,
    SessionMarkStore,
    LeaseStore,
    MessageStore,
    AskStore,
    TranscriptStore,
    AgentOutputStore,
    DiffStore,
    PullRequestStore,
    UsageStore,
    UsageDayStore,
    HeldAnswerStore,
    GitAccountStore,
    CredentialStore,
    DefaultStore,
    SealingStore,
    SignInLinkStore,
    IdentityStore,
    BrowserSessionStore,
    ApiTokenStore,
    PushDeviceStore,
    StandingStore,
):
    """Projects, snapshots, sessions and what belongs to them; each method is one transaction.

    Raises the errors of `core/errors.py` only: `NotFoundError`, `StaleWriteError`, `StaleEpochError`, `LeaseHeldError`,
    `InvalidInputError`, `SignInRefusedError`, and `UnavailableError` while the database does not answer.
    """
