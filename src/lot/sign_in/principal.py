"""On whose behalf something is asked, and what proved it."""

from dataclasses import dataclass

from lot.core.errors import ForbiddenError
from lot.core.ids import UserId
from lot.core.sign_in import ApiToken, BrowserSession, User

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user by a browser session or a token; or the operator: who holds the token in the data folder."""

    user: User | None = None
    browser_session: BrowserSession | None = None
    token: ApiToken | None = None

    @property
    def is_operator(self) -> bool:
        """Whether it is who runs this installation, who may do everything and is no user."""
        return self.user is None

    @property
    def user_id(self) -> UserId | None:
        """Whose things it sees; None: everybody's."""
        return None if self.user is None else self.user.id

    def require_no_program(self) -> None:
        """Refuse programs of users what decides who gets in: a token that got out opens no further way.

        Raises:
            ForbiddenError: it is a user's token.
        """
        if self.token is not None:
            raise ForbiddenError("only a user who is signed in with a browser may do that, not a token")

    @property
    def holder(self) -> str:
        """What proved it, as a word: what was given to it ends when that is revoked."""
        if self.browser_session is not None:
            return f"browser-{self.browser_session.id}"
        return OPERATOR if self.token is None else f"token-{self.token.id}"
