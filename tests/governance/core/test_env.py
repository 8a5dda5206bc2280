"""What the environment may say."""

from __future__ import annotations

import os

import pytest
from kombu.utils.url import parse_url

from governance import settings
from governance.core import env
from scans.controls.ssm_s3_001 import LEVELS


@pytest.mark.parametrize("value", ["1/second", "10/minute", " 600/hour ", "999999/day"])
def test_rate_is_read_from_environment(monkeypatch, value):
    monkeypatch.setenv("TUTELA_RATE_EXPORT", value)
    assert env.rate("TUTELA_RATE_EXPORT", "60/minute") == value.strip()


def test_a_rate_that_is_not_given_is_the_default(monkeypatch):
    monkeypatch.delenv("TUTELA_RATE_EXPORT", raising=False)
    assert env.rate("TUTELA_RATE_EXPORT", "60/minute") == "60/minute"


@pytest.mark.parametrize("value", ["10", "0/minute", "ten/minute", "10/week", "-1/day", "10/minute; drop"])
def test_invalid_rate_error_shows_an_example(monkeypatch, value):
    monkeypatch.setenv("TUTELA_RATE_EXPORT", value)
    with pytest.raises(env.ConfigurationError, match=r"TUTELA_RATE_EXPORT.*10/minute"):
        env.rate("TUTELA_RATE_EXPORT", "60/minute")


def test_text_comes_from_variable_or_file(monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_SECRET", "from the variable")
    assert env.read_text("SOME_SECRET") == "from the variable"
    (tmp_path / "secret").write_text("from the file\n", encoding="utf-8")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "secret"))
    assert env.read_text("SOME_SECRET") == "from the file"


def test_missing_text_error_names_both_sources(monkeypatch, tmp_path):
    monkeypatch.delenv("SOME_SECRET", raising=False)
    assert env.read_text("SOME_SECRET", "default") == "default"
    with pytest.raises(env.ConfigurationError, match=r"SOME_SECRET is not set. Set it, or set SOME_SECRET_FILE"):
        env.read_text("SOME_SECRET")
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "nothing"))
    with pytest.raises(env.ConfigurationError, match=r"SOME_SECRET_FILE names .*nothing, which can't be read"):
        env.read_text("SOME_SECRET", "default")


def test_separate_password_is_quoted_into_the_url(monkeypatch, tmp_path):
    (tmp_path / "password").write_text("a/b@c:d?e#f%g \n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("BROKER_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://tutela@db:5432/tutela?sslmode=verify-full")
    monkeypatch.setenv("BROKER_URL", "redis://redis:6379/0")
    found = env.database(env.read_secret_url("DATABASE_URL", ""), tmp_path)
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("tutela", "a/b@c:d?e#f%g", "db", "5432")
    assert found["OPTIONS"] == {"sslmode": "verify-full"}
    broker = parse_url(env.read_secret_url("BROKER_URL", ""))
    assert (broker["password"], broker["hostname"], broker["virtual_host"]) == ("a/b@c:d?e#f%g", "redis", "0")


def test_url_stays_unchanged_when_no_password_applies(monkeypatch):
    monkeypatch.delenv("BROKER_PASSWORD", raising=False)
    monkeypatch.setenv("BROKER_URL", "redis://:in-the-url@redis:6379/0")
    assert env.read_secret_url("BROKER_URL", "") == "redis://:in-the-url@redis:6379/0"
    monkeypatch.setenv("BROKER_PASSWORD", "given")
    for url in ("memory://", "sqlite:///var/x.sqlite3"):
        monkeypatch.setenv("BROKER_URL", url)
        assert env.read_secret_url("BROKER_URL", "") == url


def test_two_passwords_are_refused_without_showing_them(monkeypatch):
    monkeypatch.setenv("BROKER_URL", "redis://:hunter2@redis:6379/0")
    monkeypatch.setenv("BROKER_PASSWORD", "swordfish")
    with pytest.raises(env.ConfigurationError, match="BROKER_URL contains a password, and BROKER_PASSWORD") as refused:
        env.read_secret_url("BROKER_URL", "")
    assert not {"hunter2", "swordfish"} & set(str(refused.value).split())


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_empty_hub_key_file_leaves_instance_role(monkeypatch, tmp_path, name):
    (tmp_path / "key").write_text("", encoding="utf-8")
    monkeypatch.setenv(name, "left over")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "key"))
    env.aws_secrets()
    assert name not in os.environ


def test_older_session_keys_can_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "keys").write_text("one,two\n", encoding="utf-8")
    monkeypatch.setenv("SECRET_KEY_FALLBACKS_FILE", str(tmp_path / "keys"))
    assert env.listing("SECRET_KEY_FALLBACKS") == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "means"),
    [("1", True), ("yes", True), (" TRUE ", True), ("on", True), ("0", False), ("no", False), ("off", False)],
)
def test_flag_is_read_from_environment(monkeypatch, value, means):
    monkeypatch.setenv("SOME_FLAG", value)
    assert env.read_flag("SOME_FLAG", default=not means) is means


def test_missing_flag_is_default_and_bad_flag_is_refused(monkeypatch):
    monkeypatch.setenv("SOME_FLAG", "")
    assert env.read_flag("SOME_FLAG") is False
    assert env.read_flag("SOME_FLAG", default=True) is True
    monkeypatch.setenv("SOME_FLAG", "maybe")
    with pytest.raises(env.ConfigurationError, match="SOME_FLAG is 'maybe'; use 1 or 0"):
        env.read_flag("SOME_FLAG")


def test_number_is_read_from_environment(monkeypatch):
    monkeypatch.setenv("SOME_NUMBER", " 12 ")
    assert env.read_number("SOME_NUMBER", 3, least=1) == 12
    monkeypatch.setenv("SOME_NUMBER", "")
    assert env.read_number("SOME_NUMBER", 3) == 3


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "0", "1e3"])
def test_invalid_number_error_names_the_minimum(monkeypatch, value):
    monkeypatch.setenv("SOME_NUMBER", value)
    with pytest.raises(env.ConfigurationError, match=r"SOME_NUMBER .*a whole number of at least 1"):
        env.read_number("SOME_NUMBER", 3, least=1)


def test_list_drops_empty_parts(monkeypatch):
    monkeypatch.setenv("SOME_LIST", " a, b ,,c,")
    assert env.listing("SOME_LIST") == ["a", "b", "c"]
    monkeypatch.setenv("SOME_LIST", "")
    assert env.listing("SOME_LIST", "x") == []
    monkeypatch.delenv("SOME_LIST")
    assert env.listing("SOME_LIST", "x,y") == ["x", "y"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/x.sqlite3", "data/x.sqlite3"),
        ("sqlite:///", "var/tutela.sqlite3"),
        ("sqlite:///a%20b.db", "a b.db"),
    ],
)
def test_a_sqlite_file_lies_below_the_installation(tmp_path, url, path):
    made = env.database(url, tmp_path)
    assert made["NAME"] == str(tmp_path / path)
    assert (tmp_path / path).parent.is_dir()
    # Writers take their turn instead of failing, and readers never wait for them.
    assert made["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in made["OPTIONS"]["init_command"]


def test_a_sqlite_file_with_four_slashes_lies_where_it_says(tmp_path):
    absolute = tmp_path / "elsewhere" / "x.sqlite3"
    assert env.database(f"sqlite:///{absolute}", tmp_path / "not-here")["NAME"] == str(absolute)


def test_a_postgresql_url_with_every_part(tmp_path):
    made = env.database("postgresql://ada:p%40ss%2Fword@db.internal:6432/tutela?sslmode=verify-full", tmp_path)
    assert made["ENGINE"] == "django.db.backends.postgresql"
    named = {key: made[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")}
    assert named == {
        "NAME": "tutela", "USER": "ada", "PASSWORD": "p@ss/word", "HOST": "db.internal", "PORT": "6432",
        "OPTIONS": {"sslmode": "verify-full"},
    }  # fmt: skip


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://host", "postgresql://host/", "tutela.sqlite3", ""])
def test_invalid_database_url_error_names_both_forms(tmp_path, url):
    with pytest.raises(env.ConfigurationError, match="DATABASE_URL must be sqlite:///path or postgresql://"):
        env.database(url, tmp_path)


def test_a_database_url_shows_no_password_when_it_is_refused(tmp_path):
    with pytest.raises(env.ConfigurationError) as caught:
        env.database("mysql://ada:secret@host/x", tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("port", ["many", "99999"])
def test_invalid_port_is_refused(tmp_path, port):
    with pytest.raises(env.ConfigurationError, match="DATABASE_URL has an invalid port"):
        env.database(f"postgresql://ada:x@host:{port}/tutela", tmp_path)


def test_a_folder_that_can_not_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(env.ConfigurationError, match="whose folder can't be created"):
        env.database("sqlite:///file/below/x.sqlite3", tmp_path)


def test_aws_secrets_from_files(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from the variable")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    env.aws_secrets()
    assert env.os.environ["AWS_SECRET_ACCESS_KEY"] == "from the file"
    assert "AWS_SESSION_TOKEN" not in env.os.environ


@pytest.mark.parametrize(("given", "level"), [("info", "INFO"), ("", "WARNING"), (" Debug ", "DEBUG")])
def test_a_log_level_in_any_case(monkeypatch, given, level):
    monkeypatch.setenv("TUTELA_LOG_LEVEL", given)
    assert env.log_level("TUTELA_LOG_LEVEL", "WARNING") == level


def test_invalid_log_level_error_lists_levels(monkeypatch):
    monkeypatch.setenv("TUTELA_LOG_LEVEL", "loud")
    with pytest.raises(env.ConfigurationError, match="TUTELA_LOG_LEVEL is 'LOUD'; use one of DEBUG, INFO"):
        env.log_level("TUTELA_LOG_LEVEL", "WARNING")


@pytest.mark.parametrize("value", ["127.0.0.1:5001", "nonsense", "ftp://x", "http://", "http://x:port", "http://[::1"])
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"])
def test_an_endpoint_that_is_no_url_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(env.ConfigurationError, match=f"{name} is .*; use a URL like https://host"):
        env.check_aws_endpoints()


@pytest.mark.parametrize("value", ["", "http://127.0.0.1:5001", "https://[::1]:5001/", "https://vpce.example"])
def test_valid_endpoint_url_is_accepted(monkeypatch, value):
    monkeypatch.setenv("AWS_ENDPOINT_URL", value)
    env.check_aws_endpoints()


def test_invalid_endpoint_url_error_hides_password(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "proxy:hunter2-and-more@host:3128")
    with pytest.raises(env.ConfigurationError, match="AWS_ENDPOINT_URL is not a URL") as raised:
        env.check_aws_endpoints()
    assert "hunter2" not in str(raised.value)


def test_regions_are_named_like_regions(monkeypatch):
    monkeypatch.setenv("SOME_REGIONS", "eu-west-1, us-gov-east-1,us-iso-east-1,eusc-de-east-1,all")
    with pytest.raises(
        env.ConfigurationError, match=r"SOME_REGIONS contains all; use regions like eu-west-1, .* commas\.$"
    ):
        env.read_regions("SOME_REGIONS")
    assert len(env.read_regions("SOME_REGIONS", also=["all"])) == 5
    monkeypatch.setenv("SOME_REGIONS", "Frankfurt")
    with pytest.raises(env.ConfigurationError, match=r"SOME_REGIONS contains Frankfurt; .* or all\.$"):
        env.read_regions("SOME_REGIONS", also=["all"])


def test_encryption_level_must_be_known_to_the_control(monkeypatch):
    assert settings.S3_LEVELS == LEVELS
    monkeypatch.setenv("SOME_LEVEL", "cmk")
    with pytest.raises(env.ConfigurationError, match="SOME_LEVEL is 'cmk'; use one of SSE-S3, aws/s3, CMK, DSSE"):
        env.choice("SOME_LEVEL", "CMK", LEVELS)
    monkeypatch.delenv("SOME_LEVEL")
    assert env.choice("SOME_LEVEL", "CMK", LEVELS) == "CMK"
