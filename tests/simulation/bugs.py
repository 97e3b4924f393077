"""The bugs that are planted, and what each would mean to people.

Where the engine holds a promise twice, both are undone.
"""

from tests.simulation.planted import Change, Mutant

_COUNTING = """    if not await dialing.lock_organization(tx, org):"""
MUTANTS = (
    Mutant(
        "organization not locked",
        "two dialers count the same free places and both take them",
        (
            Change(
                "dialing.lock_organization",
                "pg_try_advisory_xact_lock(hashtextextended('agentalk:' || %(org)s::text, 0))",
                "%(org)s::text IS NOT NULL",
            ),
        ),
    ),
    Mutant(
        "counted before the lock",
        "what another dialer has just taken is not counted",
        (
            Change(
                "dialer.claim:claim",
                _COUNTING,
                "    early = await dialing.carriers_of(tx, org), await dialing.active_campaigns(tx, org)\n" + _COUNTING,
            ),
            Change("dialer.claim:claim", "carriers = await dialing.carriers_of(tx, org)", "carriers = early[0]"),
            Change("dialer.claim:claim", "await dialing.active_campaigns(tx, org), now)", "early[1], now)"),
        ),
    ),
    Mutant(
        "pause forgets reservations",
        "a phone rings after the campaign was paused",
        (
            Change(
                "operations.campaigns:pause_held",
                "await dialing.release_reserved(tx, await calls.reserved_of(tx, id), now)",
                "pass",
            ),
            Change("dialing.campaigns_allowed", "AND c.status = 'active'", ""),
        ),
    ),
    Mutant(
        "opt-outs looked up nowhere",
        "somebody who asked not to be called is called",
        (
            Change(
                "facts.gather",
                "(SELECT true FROM opt_outs WHERE organization_id = %(org)s AND phone = k.phone) IS TRUE",
                "false",
            ),
            Change("suppression.skip_open", "(cc.status IN ('pending', 'waiting')) IS TRUE", "false"),
        ),
    ),
    Mutant(
        "fence not checked",
        "a dialer that was taken for dead dials on",
        (
            Change(
                "claims.commit_dialing",
                "id = %(dialer)s AND fenced_at IS NULL AND heartbeat_at >= %(fresh_since)s",
                "id = %(dialer)s",
            ),
        ),
    ),
    Mutant(
        "timeout taken for not placed",
        "the phone rings a second time for one attempt",
        (
            Change(
                "dialer.dispatch:Dispatcher._place",
                "report = Doubtful(placement.call_id, now)\n        case _",
                'report = NotPlaced(placement.call_id, now, "timeout")\n        case _',
            ),
        ),
    ),
    Mutant(
        "doubt taken for absence",
        "the phone rings a second time for one attempt",
        (
            Change(
                "dialer.reconcile:_reports",
                "return [Lost(check.id, now)] if start is not None and now - start >= patience else doubted",
                'return [NotPlaced(check.id, now, "unsure")]',
            ),
        ),
    ),
    Mutant(
        "a later end overrides",
        "what became of a call changes after it was told",
        (
            Change("reports.lock_calls", "AND calls.live IS TRUE AND", "AND"),
            Change("reports.save_calls", "AND calls.live", ""),
            Change("domain.call:apply", "CallStatus.ENDED, ", ""),
        ),
    ),
    Mutant(
        "callback before the reply lost",
        "the carrier told how a call ended, and the engine does not know",
        (
            Change(
                "domain.call:apply",
                "return _after_event(course, report)",
                "return _after_event(course, report) if course.carrier_call_id else course",
            ),
        ),
    ),
    Mutant(
        "UTC for everybody's clock",
        "phones ring at night",
        (Change("domain.spans:_readings", "time(), zone)", "time(), UTC)"),),
    ),
    Mutant(
        "yesterday's offset",
        "on a day on which clocks change, phones ring an hour off",
        (
            Change(
                "domain.spans:_readings",
                "return at.astimezone(UTC), at.replace(fold=1).astimezone(UTC)",
                "then = at.replace(tzinfo=UTC) - ((at - timedelta(days=1)).utcoffset() or timedelta())\n"
                "    return then, then",
            ),
        ),
        days=2.0,
    ),
    Mutant(
        "caps look back too little",
        "a phone rings more often than its owner must bear",
        (Change("domain.policy.caps:use", "timedelta(hours=cap.hours)", "timedelta(hours=cap.hours / 8)"),),
    ),
    Mutant(
        "one phone, two calls",
        "a phone rings while it is on a call of ours",
        (Change("facts.gather", "coalesce(bool_or(live), false) AS live", "false AS live"),),
        "DROP INDEX calls_one_live_per_phone",
    ),
    Mutant(
        "reset lost",
        "who was to be called anew after this call is not",
        (Change("domain.campaign_contact:settle", "contact.reset_pending", "False"),),
    ),
    Mutant(
        "refund missing",
        "a call that never rang uses up an attempt",
        (Change("domain.campaign_contact:settle", "max(0, contact.attempts - 1)", "contact.attempts"),),
    ),
    Mutant(
        "refund twice",
        "a person is called once more than allowed",
        (Change("domain.campaign_contact:settle", "max(0, contact.attempts - 1)", "max(0, contact.attempts - 2)"),),
    ),
    Mutant(
        "attempts not bounded",
        "a person is called again and again",
        (Change("domain.retry:wait_after", "attempts >= policy.max_attempts", "False"),),
    ),
    Mutant(
        "orphans not taken over",
        "a dead dialer's calls hold their places for ever",
        (Change("dialers.take_orphans", "dialers.fenced_at IS NOT NULL", "dialers.id IS NULL"),),
    ),
    Mutant(
        "lists not looked at before dialling",
        "somebody is called who was put on a list a moment ago",
        (
            Change("dialer.second_check:_judged", "await facts.do_not_call(tx, org)", "facts.DoNotCall((), {})"),
            Change("suppression.reserved_of", "(status = 'reserved') IS TRUE", "false"),
            Change("suppression.reserved_of_list", "(status = 'reserved') IS TRUE", "false"),
        ),
    ),
    Mutant(
        "a campaign's list for all of them",
        "people whom one campaign may not call are called by none",
        (Change("store.facts:do_not_call", "if campaign is None:", "if True:"),),
    ),
    Mutant(
        "consent not looked at",
        "people are called who never agreed to it",
        (Change("domain.policy.decision:_agreed", "need is None or", "True or"),),
    ),
    Mutant(
        "a registry never grows old",
        "people are called who may be in the registry by now",
        (Change("domain.policy.decision:_fresh", "stale(lists, inforce.purpose, places, now)", "None"),),
    ),
    Mutant(
        "a number's cap ignored",
        "all calls of a day come from one number, and it is taken for a nuisance",
        (
            Change("domain.caller_id:Rota._least_used", "(cap is not None and used >= cap)", "False"),
            Change("domain.caller_id:Usage.room", "if cap is None:", "if True:"),
        ),
    ),
    Mutant(
        "a flagged number goes on",
        "people are called from a number that others called unwanted",
        (Change("domain.caller_id:Rota._least_used", "number in self._resting or", "False or"),),
    ),
    Mutant(
        "abandoned calls not governed",
        "people answer and hear nobody, more often than the law bears",
        (Change("domain.health:judge", "if used >= 1 and record.abandoned_since:", "if False:"),),
    ),
    Mutant(
        "caps counted over all organizations",
        "what one organization does keeps another from calling",
        (
            Change(
                "facts.gather",
                "WHERE organization_id = %(org)s AND phone = k.phone AND counted",
                "WHERE phone = k.phone AND counted",
            ),
        ),
        contacts=150,
    ),
    Mutant(
        "another organization's opt-outs count",
        "what was said to one organization keeps another from calling",
        (
            Change(
                "facts.gather",
                "FROM opt_outs WHERE organization_id = %(org)s AND phone = k.phone)",
                "FROM opt_outs WHERE phone = k.phone LIMIT 1)",
            ),
        ),
        contacts=150,
    ),
)
