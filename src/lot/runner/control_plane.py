"""A runner's questions to the control plane on behalf of its session, over the broker."""

from dataclasses import asdict
from typing import Any

import httpx

from lot.core.errors import LotError, UnavailableError
from lot.core.records import SetupCommands
from lot.runner.parts import Credentials
from lot.runner.wire_errors import error_from

ANSWER_TIMEOUT_S = 55.0


class BrokerControlPlane:
    """Asks over the control plane's socket, with the runner's pass; connects only to ask."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        """Open the session's pull request or update it; return what to tell the agent.

        Raises:
            LotError: why it could not be done.
        """
        return await self._ask("pull-request", {"title": title, "body": body})

    async def propose_setup(self, commands: SetupCommands) -> str:
        """Have the project's snapshot built by these commands; return how far that is. Raises as above."""
        return await self._ask("setup", asdict(commands))

    async def _ask(self, what: str, body: dict[str, Any]) -> str:
        transport = httpx.AsyncHTTPTransport(uds=str(self._credentials.control_socket), verify=False)
        headers = {"authorization": f"Bearer {self._credentials.pass_token}"}
        timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=5.0)
        try:
            async with httpx.AsyncClient(transport=transport, headers=headers, timeout=timeout) as http:
                answer = await http.post(f"http://control/broker/session/{what}", json=body)
                said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"the control plane does not answer ({type(error).__name__}); try again") from error
        if answer.is_success:
            return str(said["text"])
        raise error_from(said) if "code" in said else LotError(str(said))
