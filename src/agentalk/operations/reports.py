"""What a carrier's reports do: to the call, to its contact, and to those who listen."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from agentalk.domain.call import CallEvent, CallStatus, Course, Outcome, Report, apply, dated
from agentalk.domain.campaign_contact import CALLBACK, ContactStatus, Ending, Policy, Progress, SkipReason, settle
from agentalk.domain.event import EventName, Happening
from agentalk.domain.ids import CallId, CampaignId
from agentalk.operations.caller_ids import flag
from agentalk.operations.opt_outs import opt_out_on_calls
from agentalk.store import events, outcomes, reports
from agentalk.store.database import Tx, notify
from agentalk.store.reports import LiveCall

# How long a call may stay as it is before the carrier is asked: a request in doubt soon, one that was taken and should
# ring, one that has rung enough, and a conversation that may be over.
_ASK_AFTER = {
    CallStatus.UNCERTAIN: timedelta(seconds=1),
    CallStatus.DIALING: timedelta(seconds=10),
    CallStatus.RINGING: timedelta(minutes=1),
    CallStatus.IN_PROGRESS: timedelta(minutes=10),
}

_CONTACT_EVENTS = {
    ContactStatus.WAITING: EventName.CONTACT_RETRY_SCHEDULED,
    ContactStatus.COMPLETED: EventName.CONTACT_COMPLETED,
    ContactStatus.EXHAUSTED: EventName.CONTACT_EXHAUSTED,
    ContactStatus.SKIPPED: EventName.CONTACT_SKIPPED,
}
_CALL_EVENTS = {
    CallStatus.RINGING: EventName.CALL_RINGING,
    CallStatus.IN_PROGRESS: EventName.CALL_ANSWERED,
    CallStatus.ENDED: EventName.CALL_ENDED,
}


async def record(tx: Tx, carrier: str, received: Sequence[Report], now: datetime, jitter: Callable[[], float]) -> None:
    """Apply reports about any number of calls, in the order given. Repeated and late ones change nothing.

    `carrier` is the kind of carrier that reports; `jitter` gives random numbers in 0..1.
    """
    arrived = [report for report in received if isinstance(report, CallEvent)]
    fresh = {id(event) for event in await reports.keep_events(tx, carrier, arrived, now)} if arrived else set()
    by_call: dict[CallId, list[Report]] = {}
    for report in received:
        if not isinstance(report, CallEvent) or id(report) in fresh:
            by_call.setdefault(report.call_id, []).append(report)
    if not by_call:
        return
    policies = await reports.campaigns_of_calls(tx, list(by_call))
    calls = await reports.lock_calls(tx, carrier, list(by_call))
    changed = [(call, course) for call in calls if (course := _folded(call, by_call[call.id], now)) != call.course]
    if not changed:
        return
    await reports.save_calls(tx, [(call.id, course, _check_at(course, now)) for call, course in changed])
    ended = [(call, course) for call, course in changed if course.outcome is not None]
    settled = _settled(ended, policies, now, jitter)
    if ended:
        await reports.save_contacts(tx, settled)
        tallied = [(call.contact.campaign_id, course.outcome) for call, course in ended if course.outcome]
        await outcomes.add(tx, tallied, now)
        for outcome, mark in (
            (Outcome.INVALID_NUMBER, reports.mark_invalid),
            (Outcome.OPTED_OUT, opt_out_on_calls),
            (Outcome.UNWANTED, flag),
            (Outcome.BLOCKED, flag),
        ):
            marked = [call.id for call, course in ended if course.outcome is outcome]
            if marked:
                await mark(tx, marked, now)
        for org in {call.organization_id for call, _ in ended}:
            await notify(tx, str(org))
    await events.add_events(tx, [*_call_happenings(changed), *_contact_happenings(ended, settled)], now)


def _folded(call: LiveCall, received: Sequence[Report], now: datetime) -> Course:
    course = call.course
    for report in received:
        if isinstance(report, CallEvent):
            report = dated(report, course, call.dialed_at or now, now)  # noqa: PLW2901
        course = apply(course, report)
    return course


def _check_at(course: Course, now: datetime) -> datetime | None:
    wait = _ASK_AFTER.get(course.status)
    return None if wait is None else now + wait


def _settled(
    ended: Sequence[tuple[LiveCall, Course]],
    policies: Mapping[CampaignId, Policy],
    now: datetime,
    jitter: Callable[[], float],
) -> list[Progress]:
    return [
        settle(
            call.contact,
            _ending(call, course, now),
            policies[call.contact.campaign_id],
            now,
            jitter(),
        )
        for call, course in ended
    ]


def _ending(call: LiveCall, course: Course, now: datetime) -> Ending:
    return Ending(
        outcome=course.outcome or Outcome.UNKNOWN,
        dialed_at=call.dialed_at or now,
        message_left=course.message_left,
        refused_for_good=course.refused_for_good,
        callback_at=course.callback_at,
    )


def _call_happenings(changed: Sequence[tuple[LiveCall, Course]]) -> list[Happening]:
    return [
        Happening(call.organization_id, call.contact.campaign_id, name, _call_data(call, course))
        for call, course in changed
        if course.status is not call.course.status and (name := _CALL_EVENTS.get(course.status))
    ]


def _call_data(call: LiveCall, course: Course) -> dict[str, Any]:
    data: dict[str, Any] = {"callId": call.id, "contactId": call.contact.contact_id, "attempt": call.attempt}
    if course.outcome is not None:
        data |= {"outcome": course.outcome, "answeredBy": course.answered_by}
    return data


def _contact_happenings(ended: Sequence[tuple[LiveCall, Course]], settled: Sequence[Progress]) -> list[Happening]:
    return [
        Happening(
            call.organization_id,
            call.contact.campaign_id,
            name,
            {
                "contactId": contact.contact_id,
                "attempts": contact.attempts,
                "outcome": contact.last_outcome,
                "nextAttemptAt": contact.due_at if contact.status is ContactStatus.WAITING else None,
                "callback": contact.status is ContactStatus.WAITING and contact.lane == CALLBACK,
                "skipReason": contact.skip_reason,
            },
        )
        for (call, _), contact in zip(ended, settled, strict=True)
        if (name := _contact_event(contact))
    ]


def _contact_event(contact: Progress) -> EventName | None:
    if contact.skip_reason is SkipReason.OPTED_OUT:
        return EventName.CONTACT_OPTED_OUT
    return _CONTACT_EVENTS.get(contact.status)
