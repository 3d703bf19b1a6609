"""Web Push: in which browsers notices are shown while no page of Lot is open."""

from fastapi import APIRouter

from lot.api.asking import get_principal
from lot.api.schemas.push import NewPushDevice, PushBody, PushDeviceBody
from lot.core.ids import PushDeviceId
from lot.core.push import PushDevice, PushSubscription
from lot.push.devices import OFF, PushDevices
from lot.sign_in.principal import Principal


def push_routes(devices: PushDevices) -> APIRouter:
    """Return the routes about a user's own devices; the token of the data folder sees everybody's."""
    router = APIRouter(prefix="/api/push", tags=["push"])

    @router.get("")
    async def show_push() -> PushBody:
        """Return whether this server sends notices, with what a browser subscribes, and the user's devices."""
        principal = get_principal()
        return PushBody(
            is_on=devices.is_on,
            reason=None if devices.is_on else OFF,
            public_key=await devices.public_key(),
            devices=[_body(device, principal) for device in await devices.list(principal)],
        )

    @router.post("/devices", status_code=201)
    async def add_push_device(new: NewPushDevice) -> PushDeviceBody:
        """Have notices sent to the browser that asks. 409 `push.off`: this server sends none. 403: not a browser."""
        principal = get_principal()
        subscription = PushSubscription(endpoint=new.endpoint, p256dh=new.keys.p256dh, auth=new.keys.auth)
        return _body(await devices.add(principal, subscription), principal)

    @router.delete("/devices/{device}", status_code=204)
    async def remove_push_device(device: str) -> None:
        """Send a browser no more notices. 404: there is none, or it is another user's."""
        await devices.remove(get_principal(), PushDeviceId(device))

    return router


def _body(device: PushDevice, principal: Principal) -> PushDeviceBody:
    session = principal.browser_session
    return PushDeviceBody(
        id=device.id,
        user_agent=device.user_agent,
        made_at=device.made_at,
        is_current=session is not None and session.id == device.browser_session_id,
        failure=device.failure,
    )
