"""Model, effort and mode of a program that runs: what it has, and how it is given others."""

from typing import Any

import anyio
from claude_agent_sdk import ClaudeSDKClient

from lot.core.errors import AgentError, SandboxUnavailableError
from lot.core.records import AgentMode
from lot.harness.claude_fields import mapping, name
from lot.harness.claude_modes import CLAUDE_MODES

CONTROL_TIMEOUT_S = 15.0


class ClaudeSettings:
    """Changes what one attached program uses from its next request on, and only what is to be another.

    Its effort goes with the flag settings, from where it can be taken away again; a command line's could not be.
    """

    def __init__(self, client: ClaudeSDKClient, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Take a program that was started with these."""
        self._client = client
        self._model, self._effort, self._mode = model, effort, mode

    async def match(self, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Bring a program that ran already to these; it may have been started with others.

        Raises:
            AgentError: it refuses them.
        """
        applied = mapping(mapping(await self._control("get_settings")).get("applied"))
        running = name(applied.get("model")) or ""
        # The program knows short names such as `sonnet`, and reports the long one.
        self._model = model if model is None or model in running else running
        await self._control("apply_flag_settings", settings={"effortLevel": effort})
        self._effort = effort
        await self.change(model, effort, mode)

    async def change(self, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Use these from the next request on.

        Raises:
            AgentError: the provider does not have the model; all stays as it was.
        """
        if model != self._model:
            await self._control("set_model", model=model)
            self._model = model
        if effort != self._effort:
            await self._control("apply_flag_settings", settings={"effortLevel": effort})
            self._effort = effort
        # Always said: the program changes its mode by itself too.
        await self._control("set_permission_mode", mode=CLAUDE_MODES[mode])

    async def _control(self, subtype: str, **request: Any) -> Any:
        """Ask the program's control protocol, of which the SDK's client offers a part."""
        query = self._client._query
        assert query is not None  # connected before it is given here
        try:
            with anyio.fail_after(CONTROL_TIMEOUT_S):
                return await query._send_control_request({"subtype": subtype, **request})
        except SandboxUnavailableError:
            raise
        except Exception as error:  # the SDK raises bare exceptions too
            changed = ", ".join(f"{key} {value!r}" for key, value in request.items()) or "its settings"
            raise AgentError(f"the agent program refuses {changed}: {error or type(error).__name__}") from error
