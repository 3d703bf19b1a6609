"""A runner's questions to the control plane on behalf of its session, over the broker."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import httpx

from lot.core.errors import LotError, UnavailableError
from lot.core.records import SetupCommands
from lot.runner.parts import Credentials
from lot.runner.wire_errors import error_from

ANSWER_TIMEOUT_S = 55.0
RESTART_TIMEOUT_S = 10.0
"""An agent's control requests must be answered within a minute, and it waits for the dev server's answer, too."""


class BrokerControlPlane:
    """Asks over the control plane's socket, with the runner's pass; connects only to ask."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        """Open the session's pull request or update it; return what to tell the agent.

        Raises:
            LotError: why it could not be done.
        """
        said = await self._ask("pull-request", {"title": title, "body": body}, ANSWER_TIMEOUT_S)
        return str(said["text"])

    async def propose_setup(self, commands: SetupCommands) -> str:
        """Have the project's snapshot built by these commands; return how far that is. Raises as above."""
        said = await self._ask("setup", asdict(commands), ANSWER_TIMEOUT_S)
        return str(said["text"])

    async def restart_dev_server(self) -> bool:
        """Have the dev server ended and started again with the newest environment; False: there is none.

        Raises:
            LotError: why it could not be done.
        """
        said = await self._ask("dev-server/restart", {}, RESTART_TIMEOUT_S)
        return bool(said["has_dev_server"])

    async def _ask(self, what: str, asked: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        transport = httpx.AsyncHTTPTransport(uds=str(self._credentials.control_socket), verify=False)
        headers = {"authorization": f"Bearer {self._credentials.pass_token}"}
        timeout = httpx.Timeout(timeout_s, connect=5.0)
        try:
            async with httpx.AsyncClient(transport=transport, headers=headers, timeout=timeout) as http:
                answer = await http.post(f"http://control/broker/session/{what}", json=asked)
                said: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"the control plane does not answer ({type(error).__name__}); try again") from error
        if answer.is_success:
            return said
        raise error_from(said) if "code" in said else LotError(str(said))
