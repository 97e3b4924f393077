"""What is said on a simulated call: a short, plausible transcript, made without a language model."""

from collections.abc import Sequence
from datetime import timedelta

from agentalk.carriers.carrier import Placement
from agentalk.domain.call import Outcome, Utterance

Line = tuple[str, str]

AGENT = "agent"
CONTACT = "contact"
# Seconds from the answer to the first word, and the least a line of talk takes.
FIRST_WORD = 0.4
SHORTEST_LINE = 4.0

CONVERSATIONS: tuple[tuple[Line, ...], ...] = (
    (
        (CONTACT, "Yes, speaking. What is this about?"),
        (AGENT, "I am calling to confirm your appointment. Does the time still suit you?"),
        (CONTACT, "Yes, that works for me."),
        (AGENT, "Wonderful. I have noted it. Is there anything else I can do?"),
        (CONTACT, "No, that is all. Thank you."),
        (AGENT, "Thank you for your time. Goodbye."),
    ),
    (
        (CONTACT, "Hello? I only have a minute."),
        (AGENT, "I will be brief. May I send you the details by e-mail?"),
        (CONTACT, "Please do, you have my address."),
        (AGENT, "It is on its way. Have a good day."),
    ),
    (
        (CONTACT, "Who is calling, please?"),
        (AGENT, "I am a virtual assistant, and I am calling about your recent request."),
        (CONTACT, "Oh, that. It is settled already."),
        (AGENT, "Good to hear. I will close it on our side. Goodbye."),
    ),
    (
        (CONTACT, "It is not a good moment, could you try next week?"),
        (AGENT, "Of course. I am sorry to have disturbed you. Goodbye."),
    ),
)
OPT_OUT: tuple[Line, ...] = (
    (CONTACT, "Please take me off your list and do not call again."),
    (AGENT, "Understood. You will not be called again. Goodbye."),
)


def transcript(
    placement: Placement, outcome: Outcome, talk: float, lot: float, callback: timedelta | None = None
) -> tuple[Utterance, ...]:
    """The lines of a call that lasts `talk` seconds from the answer; `lot` in [0, 1) chooses among conversations.

    `callback` is how much later the callee wants to be called instead. That much is always said.
    """
    first: Line = (AGENT, placement.first_message)
    if callback is not None:
        return _spread((first, *_callback(callback)), talk)
    if outcome is Outcome.ANSWERED:
        said = CONVERSATIONS[int(lot * len(CONVERSATIONS))]
        # A short call breaks off after as many lines as it has time for.
        return _spread((first, *said[: int(talk / SHORTEST_LINE)]), talk)
    if outcome is Outcome.OPTED_OUT:
        return _spread((first, *OPT_OUT), talk)
    if outcome is Outcome.AGENT_ERROR:
        return _spread((first, (CONTACT, "Hello? Are you still there?")), talk)
    if outcome is Outcome.VOICEMAIL:
        return _spread(((AGENT, placement.voicemail_message),), talk)
    return ()


def _callback(after: timedelta) -> tuple[Line, ...]:
    hours = int(after.total_seconds() // 3600)
    wish = "an hour" if hours == 1 else f"{hours} hours"
    return (
        (CONTACT, f"I cannot talk now. Could you call me again in {wish}?"),
        (AGENT, f"Certainly. You will be called in {wish}. Goodbye."),
    )


def _spread(lines: Sequence[Line], talk: float) -> tuple[Utterance, ...]:
    spoken = [(speaker, text) for speaker, text in lines if text]
    start = min(FIRST_WORD, talk)
    pause = (talk - start) / max(1, len(spoken))
    return tuple(
        Utterance(at=round(start + index * pause, 2), speaker=speaker, text=text)
        for index, (speaker, text) in enumerate(spoken)
    )
