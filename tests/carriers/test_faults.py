"""Faults: decided by chance alone, in the proportions that were asked for, and anew for each request."""

from collections import Counter

import msgspec
import pytest

from agentalk.carriers.simulator.faults import NO_FAULTS, PROMPTLY, Fault, Faults, Reporting

PHONES = [f"+1{number}" for number in range(4_150_000_000, 4_150_010_000)]


def test_faults_come_in_their_proportions() -> None:
    faults = Faults(reset=0.2, slow_reply=0.3, callback_missing=0.1, callback_late=0.4, callback_late_seconds=9)
    answers, reports = zip(*(faults.decide(0, phone, 0) for phone in PHONES), strict=True)

    shares = {what: seen / len(PHONES) for what, seen in (Counter(answers) | Counter(reports)).items()}
    assert shares == {
        Fault.RESET: pytest.approx(0.2, abs=0.025),
        Fault.SLOW_REPLY: pytest.approx(0.3, abs=0.025),
        None: pytest.approx(0.5, abs=0.025),
        Reporting(copies=0): pytest.approx(0.1, abs=0.025),
        Reporting(delay_seconds=9): pytest.approx(0.4, abs=0.025),
        PROMPTLY: pytest.approx(0.5, abs=0.025),
    }


def test_a_request_is_decided_by_its_seed_phone_and_number_alone() -> None:
    faults = Faults(server_error=0.5)
    once = [faults.decide(3, phone, 1) for phone in PHONES[:200]]

    assert once == [faults.decide(3, phone, 1) for phone in reversed(PHONES[:200])][::-1]
    assert once != [faults.decide(4, phone, 1) for phone in PHONES[:200]]


def test_a_retry_may_fare_better() -> None:
    faults = Faults(too_many_requests=0.5)

    assert {faults.decide(0, PHONES[0], nth)[0] for nth in range(40)} == {None, Fault.TOO_MANY_REQUESTS}


def test_a_certain_fault_always_happens() -> None:
    for fault in Fault:
        faults = msgspec.structs.replace(NO_FAULTS, **{fault.value: 1.0})
        assert {faults.decide(0, phone, 0)[0] for phone in PHONES[:300]} == {fault}


@pytest.mark.parametrize(
    "text",
    [
        '{"reset": 0.6, "slowReply": 0.6}',
        '{"callbackLate": 1.1}',
        '{"reset": -0.1}',
        '{"callbackCopies": 0}',
        '{"slowReplySeconds": -1}',
        '{"lightning": 1}',
    ],
)
def test_faults_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Faults)
