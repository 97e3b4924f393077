"""Every `code` that a problem may have, and what it means. Codes never change their meaning."""

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "invalid": "What was sent is malformed, out of range, or means nothing here; `errors` names the fields.",
    "malformed": "The body is not JSON in UTF-8.",
    "too_many": "More items than one request may carry.",
    "unauthenticated": "No token, or none that is known.",
    "jwt_not_accepted": "A JWT was sent; only organization tokens are accepted.",
    "token_revoked": "The token was revoked.",
    "token_expired": "The token's time is over.",
    "forbidden": "The token is good, and this is not its to do.",
    "role_missing": "The token's role does not include this.",
    "superuser_required": "Only a superuser's token may do this.",
    "not_found": "Not there, or another organization's: the two are never told apart.",
    "no_such_path": "There is nothing at this path.",
    "method_not_allowed": "The path does not have this method; `Allow` lists those it has.",
    "conflict": "The present state forbids it.",
    "invalid_state": "The campaign's status forbids it.",
    "agent_in_use": "A campaign that is active or scheduled uses the agent.",
    "agent_deleted": "The campaign's agent was deleted; give it another one.",
    "live_calls": "A call that has not ended forbids it.",
    "call_ended": "The call has ended already.",
    "idempotency_in_flight": "The first request with this Idempotency-Key is still running; try again in a second.",
    "idempotency_key_reused": "This Idempotency-Key was used for another request.",
    "stale": "The record changed since it was read (`If-Match`).",
    "too_large": "The body is larger than this operation takes.",
    "unsupported_media_type": "The body's media type or encoding is not taken here.",
    "rate_limited": "Too many requests with this token; `Retry-After` says when to go on.",
    "internal": "Something failed on our side; report it with the request id.",
    "unavailable": "The database cannot be reached at the moment; try again.",
}
