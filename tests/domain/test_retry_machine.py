"""A contact through any sequence of outcomes, by any policy: never called too soon, too often, or for nothing."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from agentalk.domain.call import Outcome
from agentalk.domain.campaign import CampaignStatus
from agentalk.domain.campaign_contact import CALLBACK, ContactStatus, Ending, Policy, Progress, reset, settle
from agentalk.domain.ids import CampaignId, ContactId
from agentalk.domain.policy.hours import is_lawful
from agentalk.domain.policy.model import DEFAULTS
from agentalk.domain.retry import DEFAULT_RULES, MISFIRES_MOST, NEVER_RETRIED, RetryPolicy, RetryRule
from agentalk.domain.window import Day, Slot, Window

START = datetime(2026, 3, 4, 15, tzinfo=UTC)
NEVER_CALLED_BACK = NEVER_RETRIED - {Outcome.ANSWERED}
DAILY, MORNINGS = (
    Window(slots=tuple(Slot(day, start, end) for day in Day)) for start, end in (("00:00", "24:00"), ("09:00", "12:00"))
)
GROUPS = ("America/New_York@US", "Europe/Paris@FR", "America/Chicago,America/New_York", "America/Los_Angeles@CA,US-CA")

# From the end of a call to the time that was asked for on it.
MINUTES = st.sampled_from((None, None, None, None, -30, 45, 600, 3000))

rules = st.builds(
    lambda rule, delays, most, elsewhere: RetryRule(
        rule.outcome,
        tuple(delay + 4320 if rule.outcome is Outcome.ABANDONED else delay for delay in delays),
        most,
        elsewhere,
    ),
    st.sampled_from(DEFAULT_RULES),
    st.lists(st.integers(1, 3000), min_size=1, max_size=3),
    st.none() | st.integers(0, 3),
    st.booleans(),
)
policies = st.builds(
    RetryPolicy,
    st.integers(1, 6),
    st.lists(rules, max_size=9, unique_by=lambda rule: rule.outcome).map(tuple) | st.just(DEFAULT_RULES),
)


class RetryMachine(RuleBasedStateMachine):
    """What has been called for, and how often: all that a policy speaks of."""

    @initialize(retry=policies, window=st.sampled_from([Window(), DAILY, MORNINGS]), group=st.sampled_from(GROUPS))
    def begin(self, retry: RetryPolicy, window: Window, group: str) -> None:
        assert retry.problem() is None
        self.policy = Policy(CampaignStatus.ACTIVE, window, retry, DEFAULTS)
        self.named = [rule.outcome for rule in retry.rules]
        self.now, self.calls, self.retries = START, 0, Counter[Outcome]()
        self.contact = Progress(
            campaign_id=CampaignId(UUID(int=1)),
            contact_id=ContactId("c"),
            zones=group,
            status=ContactStatus.PENDING,
            due_at=START,
        )

    def lawful(self, moment: datetime) -> bool:
        return is_lawful(self.policy.window, DEFAULTS, self.contact.zones, moment)

    def can_be_called(self) -> bool:
        return self.contact.status in (ContactStatus.PENDING, ContactStatus.WAITING)

    @precondition(can_be_called)
    @rule(
        data=st.data(),
        seconds=st.integers(0, 3 * 3600),
        asked=MINUTES,
        by_hand=MINUTES,
        for_good=st.booleans(),
    )
    def is_called(
        self, data: st.DataObject, seconds: int, asked: int | None, by_hand: int | None, for_good: bool
    ) -> None:
        # Mostly as before: what is retried for the first time tells little.
        again = [outcome for outcome in Outcome if outcome in self.contact.outcomes]
        outcome = data.draw(st.sampled_from([*self.named, *self.named, *again * 9, *Outcome]))
        dialed_at = max(self.now, self.contact.due_at)
        self.now = dialed_at + timedelta(seconds=seconds)
        callback_at, reported = (
            None if minutes is None else self.now + timedelta(minutes=minutes) for minutes in (by_hand, asked)
        )
        ringing = replace(self.contact, attempts=self.contact.attempts + 1, callback_at=callback_at)
        end = Ending(outcome=outcome, dialed_at=dialed_at, refused_for_good=for_good, callback_at=reported)
        before, self.contact = ringing, settle(ringing, end, self.policy, self.now, 0.5)
        self.calls += outcome is not Outcome.NOT_PLACED
        self.wants_it(before, end)

    @precondition(lambda self: not self.can_be_called())
    @rule(minutes=st.integers(0, 3000))
    def is_added_again(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.contact = reset(self.contact, self.now)
        self.calls, self.retries = 0, Counter()

    def wants_it(self, before: Progress, end: Ending) -> None:
        """Whoever waits does so for a reason, long enough, and until a time at which they may be called."""
        after, outcome = self.contact, end.outcome
        if outcome in NEVER_RETRIED and outcome is not Outcome.ANSWERED:
            assert after.status in (ContactStatus.EXHAUSTED, ContactStatus.SKIPPED)
        if after.status is not ContactStatus.WAITING:
            return
        assert after.due_at >= self.now
        assert self.lawful(after.due_at)
        asked = before.callback_at or end.callback_at
        rule = next((rule for rule in self.policy.retry.rules if rule.outcome is outcome), None)
        if outcome is Outcome.NOT_PLACED:
            assert after.misfires < MISFIRES_MOST or not end.refused_for_good or after.lane == CALLBACK
        elif after.lane == CALLBACK and asked is not None:
            assert after.attempts <= self.policy.retry.max_attempts
        else:
            assert rule is not None, "an outcome that is not named is not retried"
            self.retried(end, rule)

    def retried(self, end: Ending, rule: RetryRule) -> None:
        due_at, nth = self.contact.due_at, self.contact.outcomes[rule.outcome]
        self.retries[rule.outcome] += 1
        assert self.contact.attempts < self.policy.retry.max_attempts
        assert rule.max_retries is None or self.retries[rule.outcome] <= nth <= rule.max_retries
        delays = rule.delay_minutes
        assert due_at >= self.now + timedelta(minutes=delays[min(nth, len(delays)) - 1])
        if rule.another_part_of_day and (nth > 1 or len(delays) == 1) and not self.elsewhere(due_at, end.dialed_at):
            week = (due_at + timedelta(minutes=20 * n) for n in range(3 * 24 * 6))
            assert not any(self.lawful(t) and self.elsewhere(t, end.dialed_at) for t in week)

    def elsewhere(self, moment: datetime, tried: datetime) -> bool:
        zones = [ZoneInfo(zone) for zone in self.contact.zones.partition("@")[0].split(",")]
        return all(part(moment, zone) != part(tried, zone) for zone in zones)

    @invariant()
    def is_not_called_too_often(self) -> None:
        if hasattr(self, "contact"):
            assert self.calls == self.contact.attempts <= self.policy.retry.max_attempts + 1


def part(moment: datetime, zone: ZoneInfo) -> str:
    hour = moment.astimezone(zone).hour
    return "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"


TestRetry = RetryMachine.TestCase
TestRetry.settings = settings(max_examples=100, stateful_step_count=10, deadline=None, derandomize=True)
