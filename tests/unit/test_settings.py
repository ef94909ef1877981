"""Settings: defaults, every problem at once, and no clear text for others."""

from pathlib import Path

import pytest

from oms.settings import Settings, SettingsError, is_loopback, read_settings


def problems_of(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        read_settings({f"FBALI_{name}": value for name, value in environ.items()})
    return str(refusal.value).split("; ")


def settings_of(**environ: str) -> Settings:
    return read_settings({f"FBALI_{name}": value for name, value in environ.items()})


def test_nothing_has_to_be_set():
    settings = read_settings({})

    assert settings.data_dir == Path("fbali-data")
    assert settings.database_url == "sqlite:///fbali-data/fbali.db"
    assert settings.is_embedded
    assert settings.is_loopback


def test_database_lies_in_the_folder_of_data():
    assert settings_of(DATA_DIR="/var/fbali").database_url == "sqlite:////var/fbali/fbali.db"


def test_empty_variable_means_the_default():
    assert settings_of(LISTEN="", WORKER_THREADS="") == read_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db"),
        ("BROKER_URL", "amqp://broker"),
        ("LISTEN", "7443"),
        ("LISTEN", ":7443"),
        ("LISTEN", "127.0.0.1:70000"),
        ("LISTEN", "127.0.0.1:-1"),
        ("STORE_TIMEOUT_SECONDS", "soon"),
        ("STORE_TIMEOUT_SECONDS", "-1"),
        ("STORE_TIMEOUT_SECONDS", "nan"),
        ("TRACKING_INTERVAL_SECONDS", "inf"),
        ("WORKER_THREADS", "0"),
        ("WORKER_THREADS", "65"),
        ("WORKER_THREADS", "2.5"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_wrong_value_is_refused_by_name(name, value):
    [problem] = problems_of(**{name: value})

    assert problem.startswith(f"FBALI_{name}={value}: ")


def test_all_problems_are_told_at_once():
    problems = problems_of(
        LISTEN="0.0.0.0:7443", LOG_LEVEL="loud", DATABASE_URL="mysql://db", WORKER_THREADS="none"
    )

    assert {problem.partition("=")[0] for problem in problems} >= {
        "FBALI_LISTEN",
        "FBALI_LOG_LEVEL",
        "FBALI_DATABASE_URL",
        "FBALI_WORKER_THREADS",
    }


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:7443", "[::]:7443", "192.168.1.7:7443", "fbali.example:7443"]
)
def test_clear_text_is_refused_where_others_can_reach_it(listen):
    [problem, *_] = problems_of(LISTEN=listen)

    assert problem.startswith(f"FBALI_LISTEN={listen}: clear text is for this machine only")


def test_certificate_and_key_open_the_door_to_others():
    settings = settings_of(
        LISTEN="0.0.0.0:7443", TLS_CERTIFICATE_FILE="cert.pem", TLS_KEY_FILE="key.pem"
    )

    assert not settings.is_loopback


@pytest.mark.parametrize("half", ["TLS_CERTIFICATE_FILE", "TLS_KEY_FILE"])
def test_certificate_and_key_belong_together(half):
    [problem] = problems_of(**{half: "half.pem"})

    assert "FBALI_TLS_CERTIFICATE_FILE and FBALI_TLS_KEY_FILE" in problem


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:7443", "127.8.8.8:1", "[::1]:7443", "localhost:0", "unix:/run/fbali.sock"]
)
def test_this_machine_only_needs_no_certificate(listen):
    assert is_loopback(listen)
    assert settings_of(LISTEN=listen).listen == listen


def test_token_of_the_tracking_service_is_not_shown():
    settings = settings_of(TRACKING_TOKEN="17-secret")

    assert settings.tracking_token == "17-secret"
    assert "17-secret" not in repr(settings)


@pytest.mark.parametrize("url", ["redis://r:6379/0", "rediss://r", "unix:///run/redis.sock"])
def test_broker_of_its_own_is_not_embedded(url):
    assert not settings_of(BROKER_URL=url).is_embedded


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("DATABASE_URL", "mysql://u:geheim@db.example/oms", "mysql://...@db.example/oms"),
        ("DATABASE_URL", "u:geheim@db.example", "...@db.example"),
        ("DATABASE_URL", "mysql://u:ge@heim@db.example", "mysql://...@db.example"),
        ("DATABASE_URL", "mysql://h/d?password=geheim", "mysql://h/d?..."),
        ("BROKER_URL", "amqp://:geheim@queue.example:1", "amqp://...@queue.example:1"),
    ],
)
def test_password_in_a_refused_setting_is_not_told(name, text, shown):
    with pytest.raises(SettingsError) as refused:
        settings_of(**{name: text})

    assert f"FBALI_{name}={shown}: " in str(refused.value)
    assert "heim" not in str(refused.value)


def test_settings_hide_their_urls_from_logs():
    settings = settings_of(
        DATABASE_URL="postgresql://u:geheim@h/d", BROKER_URL="redis://:geheim@h:1"
    )

    assert "geheim" not in repr(settings)
