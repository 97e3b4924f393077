"""What keeps a number from being called, and what explains a call, is found by index, however much is stored."""

from typing import Any, LiteralString

from agentalk.store import audit, do_not_call, explain, opt_outs, suppression
from tests.conftest import NOW, LazyDatabase
from tests.store.test_plans import MANY, SCANS_ALL, a_crowd
from tests.store.test_plans import explain as plan_of

# A few rows in all.
TINY = {"carriers", "organizations", "do_not_call_lists", "caller_id_days"}

_FILL: tuple[LiteralString, ...] = (
    """INSERT INTO opt_outs (organization_id, phone, created_at)
        SELECT %(org)s, '+1917' || (1000000 + n), %(now)s::timestamptz + n * interval '1 s'
        FROM generate_series(1, %(many)s) n""",
    """INSERT INTO do_not_call_lists (id, organization_id, kind, name, jurisdiction, as_of, created_at, updated_at)
        SELECT l.id, %(org)s, 'registry', 'one of two', 'US', '2026-03-01', %(now)s, %(now)s
        FROM unnest(ARRAY[%(dialer)s, %(campaign)s]::uuid[]) AS l(id)""",
    """INSERT INTO do_not_call_numbers
        SELECT %(org)s, '+1917' || (1000000 + n), l.id, %(now)s
        FROM generate_series(1, %(many)s) n, do_not_call_lists l""",
    """INSERT INTO events (id, organization_id, campaign_id, type, data, created_at)
        SELECT gen_random_uuid(), %(org)s, %(campaign)s, 'contact.added', '{"contactId": "many-1"}', %(now)s
        FROM generate_series(1, %(many)s * 3) n""",
    """INSERT INTO audit_log (organization_id, at, actor, action, data)
        SELECT %(org)s, %(now)s, 'me', 'opt_out.removed', '{}' FROM generate_series(1, %(many)s) n""",
    "INSERT INTO policy_versions VALUES ('0123456789abcdef', '{}', %(now)s)",
    """INSERT INTO decisions SELECT gen_random_uuid(), '0123456789abcdef', '{}' FROM generate_series(1, %(many)s) n""",
)


def statements(v: dict[str, Any]) -> list[tuple[str, LiteralString, dict[str, Any], int]]:
    """Each statement with its values, and the most pages that it may look at."""
    org, phones, contact = v["org"], ["+12122000007"], {"campaign": v["campaign"], "contact": "many-7"}
    page = {"limit": 50, "offset": 0}
    calling = {"org": org, "phones": phones, "campaign": None}
    return [
        ("opt-outs", opt_outs.SQL["page"], {"org": org, "moment": None, "number": None, **page}, 40),
        ("opt-outs, deep", opt_outs.SQL["page"], {"org": org, "moment": NOW, "number": "+1", **page}, 40),
        ("an opt-out", opt_outs.SQL["get"], {"org": org, "phone": "+19171000007"}, 10),
        ("audit log", audit.SQL["page"], {"org": org, "action": None, "before": None, **page}, 20),
        ("numbers", do_not_call.SQL["numbers"], {"id": v["dialer"], "before": "+19171009999", **page}, 80),
        ("lists of a number", do_not_call.SQL["holding"], {"org": org, "phone": "+19171000007"}, 20),
        ("hold campaigns", suppression.SQL["hold_campaigns"], calling, 40),
        ("reservations of a number", suppression.SQL["reserved_of"], calling, 20),
        ("reservations of a list", suppression.SQL["reserved_of_list"], {"org": org, "list_id": v["dialer"]}, 20),
        ("skip", suppression.SQL["skip_open"], {**calling, "reason": "opted_out"}, 60),
        ("calls of a contact in a campaign", explain.SQL["calls"], {**contact, "most": 100}, 40),
        ("events of a contact", explain.SQL["events"], {**contact, "most": 1_000}, 200),
        ("standing", explain.SQL["standing"], {"campaign": v["campaign"], "day": NOW.date()}, 80),
    ]


async def test_what_is_asked_about_a_number_or_a_contact_is_found_by_index(db: LazyDatabase) -> None:
    async with db() as database, database.transaction() as tx:
        crowd = await a_crowd(tx)
        for statement in _FILL:
            await tx.execute(statement, {**crowd, "many": MANY})
        await tx.execute("ANALYZE")
        for name, text, values, most in statements(crowd):
            plan = await plan_of(tx, text, **values)
            scanned = {table for table, kinds in plan.scans.items() if kinds & SCANS_ALL}
            assert scanned <= TINY, f"{name} reads all of {scanned}"
            assert plan.pages <= most, f"{name} looks at {plan.pages} pages"
