"""The environment becomes one value, or a sentence that names the variable."""

from pathlib import Path

import pytest

from agentalk.settings import BadSetting, Settings, read


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read({}) == Settings()
    assert read({"DATABASE_URL": "", "AGENTALK_LOG_LEVEL": "  "}) == Settings()


def test_everything_is_read() -> None:
    found = read(
        {
            "DATABASE_URL": "postgresql://a:b@c/d",
            "AGENTALK_DATA_DIR": "/srv/data",
            "AGENTALK_URL": "http://host:81/",
            "AGENTALK_TOKEN": "t",
            "AGENTALK_RATE_LIMIT": "2.5",
            "AGENTALK_SIMULATOR_URL": "http://host:82",
            "AGENTALK_SIMULATOR_SECRET": "s",
            "AGENTALK_LOG_LEVEL": "DEBUG",
            "AGENTALK_LOG_FORMAT": "json",
        }
    )

    assert found == Settings(
        database_url="postgresql://a:b@c/d",
        data_dir=Path("/srv/data"),
        url="http://host:81",
        token="t",
        rate_limit=2.5,
        simulator_url="http://host:82",
        simulator_secret="s",
        log_level="debug",
        log_format="json",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://a"),
        ("AGENTALK_URL", "localhost:8000"),
        ("AGENTALK_URL", "http://:80"),
        ("AGENTALK_URL", "http://a:99999"),
        ("AGENTALK_URL", "http://[a"),
        ("AGENTALK_RATE_LIMIT", "many"),
        ("AGENTALK_RATE_LIMIT", "-1"),
        ("AGENTALK_RATE_LIMIT", "nan"),
        ("AGENTALK_RATE_LIMIT", "inf"),
        ("AGENTALK_LOG_LEVEL", "loud"),
        ("AGENTALK_LOG_FORMAT", "xml"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        read({name: value})


def test_secrets_are_not_shown() -> None:
    settings = read(
        {
            "DATABASE_URL": "postgresql://a:hidden@c/d",
            "AGENTALK_TOKEN": "hidden",
            "AGENTALK_SIMULATOR_SECRET": "hidden",
        }
    )
    assert "hidden" not in repr(settings)
    with pytest.raises(BadSetting) as refused:
        read({"DATABASE_URL": "hidden"})
    assert "hidden" not in str(refused.value)
