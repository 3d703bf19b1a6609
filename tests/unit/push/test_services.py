"""What push services are asked, which may be asked, and what becomes of what they answer."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from push_rig import Browser, PushService, push_service
from starlette.responses import RedirectResponse, Response

from lot.config import PUSH_HOSTS, Settings
from lot.core.errors import InvalidInputError, PushDeviceGoneError, PushFailedError
from lot.push.services import Notice, PushServices, require_known
from lot.push.vapid import Vapid, VapidKeys
from lot.store.store import Store

NOW = datetime.now(UTC)
NOTICE = Notice(text=b'{"title": "Sm\xc3\xb8rrebr\xc3\xb8d is done"}', topic="session1", is_urgent=True)
SUBJECT = "https://lot.example.org"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with push_service(tmp_path) as running:
        yield running


@pytest.fixture
async def http(service: PushService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=service.trust) as client:
        yield client


@pytest.fixture
async def vapid(store: Store) -> Vapid:
    return await VapidKeys(store).get()


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'lot.db'}"


async def test_notice_arrives_encrypted_signed_and_marked(
    service: PushService, http: httpx.AsyncClient, vapid: Vapid
) -> None:
    browser = Browser()
    asked = PushServices(http, [service.host], SUBJECT)
    await asked.send(vapid, browser.subscription(service.endpoint), NOTICE, NOW)
    [taken] = service.asked
    assert taken.path == "/push/abc"
    assert browser.read(taken.body) == NOTICE.text
    headers = ("content-encoding", "ttl", "topic", "urgency")
    assert [taken.headers[name] for name in headers] == ["aes128gcm", "86400", "session1", "high"]
    expected = {"aud": f"https://{service.host}", "exp": int((NOW + timedelta(hours=12)).timestamp()), "sub": SUBJECT}
    assert taken.claims() == expected
    assert taken.headers["authorization"].endswith(f", k={vapid.public_key}")


async def test_what_no_user_waits_for_wakes_no_phone_and_without_a_contact_none_is_named(
    service: PushService, http: httpx.AsyncClient, vapid: Vapid
) -> None:
    notice = Notice(text=b"{}", topic="session1", is_urgent=False)
    await PushServices(http, [service.host], None).send(vapid, Browser().subscription(service.endpoint), notice, NOW)
    [taken] = service.asked
    assert taken.headers["urgency"] == "normal"
    assert "sub" not in taken.claims()


@pytest.mark.parametrize("status", [404, 410])
async def test_browser_that_is_gone_is_told_apart(
    service: PushService, http: httpx.AsyncClient, vapid: Vapid, status: int
) -> None:
    service.answer = lambda: Response(status_code=status)
    with pytest.raises(PushDeviceGoneError, match=f"localhost answered {status}"):
        await PushServices(http, [service.host], None).send(
            vapid, Browser().subscription(service.endpoint), NOTICE, NOW
        )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response('{"reason":\n"BadJwtToken"}', 403), 'localhost answered 403: {"reason": "BadJwtToken"}'),
        (Response(status_code=500), "localhost answered 500"),
        (Response("x" * 100_000, 503), f"localhost answered 503: {'x' * 300}"),
    ],
)
async def test_refusal_says_what_was_answered_and_no_more_of_it_than_helps(
    service: PushService, http: httpx.AsyncClient, vapid: Vapid, answer: Response, said: str
) -> None:
    service.answer = lambda: answer
    with pytest.raises(PushFailedError) as failed:
        await PushServices(http, [service.host], None).send(
            vapid, Browser().subscription(service.endpoint), NOTICE, NOW
        )
    assert str(failed.value) == said


async def test_redirect_is_not_followed(
    tmp_path: Path, service: PushService, http: httpx.AsyncClient, vapid: Vapid
) -> None:
    (tmp_path / "other").mkdir()
    with push_service(tmp_path / "other") as other:
        service.answer = lambda: RedirectResponse(other.endpoint, 307)
        with pytest.raises(PushFailedError, match="307 and names another address"):
            await PushServices(http, [service.host, other.host], None).send(
                vapid, Browser().subscription(service.endpoint), NOTICE, NOW
            )
        assert other.asked == []


async def test_service_that_hangs_is_given_up(service: PushService, http: httpx.AsyncClient, vapid: Vapid) -> None:
    service.hangs_at = ""
    with pytest.raises(PushFailedError, match="did not answer within"):
        await PushServices(http, [service.host], None, timeout_s=0.2).send(
            vapid, Browser().subscription(service.endpoint), NOTICE, NOW
        )


async def test_certificate_that_nobody_vouches_for_is_refused(service: PushService, vapid: Vapid) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(PushFailedError, match=r"localhost could not be asked: .*CERTIFICATE_VERIFY_FAILED"):
            await PushServices(http, [service.host], None).send(
                vapid, Browser().subscription(service.endpoint), NOTICE, NOW
            )
    assert service.asked == []


async def test_host_that_was_taken_off_the_list_is_not_asked(
    service: PushService, http: httpx.AsyncClient, vapid: Vapid
) -> None:
    with pytest.raises(PushFailedError, match="LOT_PUSH_HOSTS"):
        await PushServices(http, PUSH_HOSTS, None).send(vapid, Browser().subscription(service.endpoint), NOTICE, NOW)
    assert service.asked == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/QCZb",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
        "https://FCM.googleapis.com:443/wp/abc",
    ],
)
def test_push_services_of_the_usual_browsers_may_be_asked(endpoint: str) -> None:
    assert require_known(endpoint, PUSH_HOSTS).scheme == "https"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com.example.org/abc",
        "https://evil-fcm.googleapis.com/abc",
        "https://fcm.googleapis.com:8443/abc",
        "https://fcm.googleapis.com@169.254.169.254/abc",
        "https://user@fcm.googleapis.com/abc",
        "https://169.254.169.254/latest",
        "https://localhost/abc",
        "https://[::1]/abc",
        "https://notify.windows.com.example.org/abc",
        "https://apple.com/abc",
        "https:///abc",
        "//fcm.googleapis.com/abc",
        "fcm.googleapis.com",
        "https://fcm.googleapis.com\\@example.org/abc",
        "https://fcm.googleapis.com\n.example.org/abc",
        "https://x:99999999/abc",
        "",
    ],
)
def test_no_other_address_is_asked(endpoint: str) -> None:
    with pytest.raises(InvalidInputError, match="push service"):
        require_known(endpoint, PUSH_HOSTS)


async def test_key_pair_is_made_once_by_all_who_ask(store: Store) -> None:
    one, other = [await VapidKeys(store).get() for _ in range(2)]
    assert one.public_key == other.public_key
    assert len(one.public_key) == 87


def test_hosts_are_given_with_commas_and_none_switch_push_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().push_hosts == PUSH_HOSTS
    monkeypatch.setenv("LOT_PUSH_HOSTS", " Push.example.org, *.example.net,localhost:8443 ")
    assert Settings().push_hosts == ("push.example.org", "*.example.net", "localhost:8443")
    monkeypatch.setenv("LOT_PUSH_HOSTS", "")
    assert Settings().push_hosts == ()


@pytest.mark.parametrize("host", ["*", "*.", "https://push.example.org", "push.example.org/abc", "a*.example.org"])
def test_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        Settings(push_hosts=(host,))


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({}, None),
        ({"public_url": "http://lot.example.org"}, None),
        ({"public_url": "https://lot.example.org"}, "https://lot.example.org"),
        ({"public_url": "https://lot.internal", "push_contact": "mailto:ada@example.org"}, "mailto:ada@example.org"),
    ],
)
def test_push_services_are_told_whom_to_write_to(given: dict[str, str], subject: str | None) -> None:
    assert Settings(**given).push_subject == subject  # type: ignore[arg-type]
