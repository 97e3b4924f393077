"""Every rule of the contract, against every form of the simulator."""

import pytest

from tests.carriers.contract import RULES, Carry, Rule
from tests.carriers.rigs import in_process, over_http

FORMS: list[Carry] = [in_process, over_http]


@pytest.mark.parametrize("carry", FORMS, ids=["in_process", "over_http"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_contract(rule: Rule, carry: Carry) -> None:
    await rule(carry)
