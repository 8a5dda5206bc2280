"""Detects passwords among the arguments of programs such as curl and mysql. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scans.detectors.assignments import is_mixed, is_secret_value
from scans.detectors.base import Detector, unmark_examples

NEEDLES = ("curl", "sshpass", "mysql", "mariadb")
PROGRAM = re.compile(r"(?<![\w.-])(curl|sshpass|mysql(?:dump|admin)?|mariadb(?:-dump|-admin)?)(?:\.exe)?(?=\s)")
# The end of a command. A bare & or ; doesn't end one, because URLs contain them.
COMMAND_END = re.compile(r"\n|&&|\s[|;&]|;\s")
MAX_ARGUMENT_LENGTH = 600
QUOTED_OR_BARE = r"(?:\"([^\"\n]{1,256})\"|'([^'\n]{1,256})'|([^\s\"'`|<>\\]{1,256}))"
# curl's password follows the first colon of NAME:PASSWORD; the name may be outside the quotes.
PASSWORD_ARGUMENTS = {
    "curl": re.compile(
        r"\s(?:-[a-zA-Z]{0,6}[uU]|--user|--proxy-user)(?:\s{1,3}|=)?(?:([\w.@+-]{1,64}:)(?=\\?[\"']))?\\?"
        + QUOTED_OR_BARE
    ),
    "sshpass": re.compile(r"\s-[ev]{0,2}p\s{0,3}\\?" + QUOTED_OR_BARE),
    "mysql": re.compile(r"\s-p\\?" + QUOTED_OR_BARE),
}
PASSWORD_ARGUMENTS["mariadb"] = PASSWORD_ARGUMENTS["mysql"]


def find_argument(text: str, _low: str) -> bool:
    return any(_is_password(value) for value in iter_command_passwords(text))


def iter_command_passwords(text: str) -> Iterator[str]:
    """The text in each command's password argument: a password, or a placeholder for one."""
    for kind, start, end in iter_argument_spans(text):
        while (value := PASSWORD_ARGUMENTS[kind].search(text, start, end)) is not None:
            given = "".join(part or "" for part in value.groups()).strip("\\")
            yield given.partition(":")[2] if kind == "curl" else given
            start = value.start() + 1  # noqa: PLW2901 (a value may itself contain another command)


def iter_argument_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of the text after each program's name. Overlapping stretches of one kind are merged, so that a
    text that repeats a name is inspected once, not once for each repetition."""
    stretches: dict[str, tuple[int, int]] = {}
    end = -1
    for found in PROGRAM.finditer(text):
        if end < found.end():
            ended = COMMAND_END.search(text, found.end())
            end = ended.start() if ended else len(text)
        kind = next(name for name in PASSWORD_ARGUMENTS if found.group(1).startswith(name))
        start, until = found.end(), min(end, found.end() + MAX_ARGUMENT_LENGTH)
        held = stretches.get(kind)
        if held is not None and start <= held[1]:
            start = held[0]
        elif held is not None:
            yield kind, *held
        stretches[kind] = (start, until)
    for kind, (start, until) in stretches.items():
        yield kind, start, until


def _is_password(value: str) -> bool:
    """Whether it is a password. Letters alone may be a manual's example: curl -u user:mypassword."""
    return is_secret_value(value, "password") and is_mixed(value)


COMMAND_PASSWORD = Detector(
    name="command_password",
    find=find_argument,
    needles=NEEDLES,
    positives=unmark_examples(
        "curl -u admin:~S3cr3tPass! https://files.example.com/app",
        "/usr/bin/curl -sSfu 'deploy:~Xk29vTq8 LmZr 4' -o app.tar https://files.example.com/app?a=1&b=2",
        'curl --user "deploy:~Xk29vTq8LmZr4w" https://files.example.com/',
        "curl -u deploy:'~Xk29vTq8LmZr4w' https://files.example.com/",
        'curl -u deploy:"~Xk29v:Tq8LmZr4w" https://files.example.com/',
        '{"commands":["curl -u deploy:\\"~Xk29vTq8LmZr4w\\" https://files.example.com/"]}',
        "curl 'https://files.example.com/?a=1&b=2' --proxy-user=deploy:~Xk29vTq8LmZr4w",
        '{"commands":["curl -u \\"deploy:~Xk29vTq8LmZr4w\\" https://files.example.com/"]}',
        "sshpass -p '~S3cr3t!' ssh deploy@10.0.0.4",
        "sshpass -p~Xk29vTq8 scp a b:",
        "mysql -u root -p~S3cr3tPass orders",
        "mysqldump --single-transaction -u root -p'~S3cr3t Pass 9' orders > orders.sql",
    ),
    negatives=(
        "curl -u admin:$PASSWORD https://x", 'curl -u "$NAME:$PASSWORD1" https://x', "curl -u admin:${PASSWORD1} https://x",
        'curl -u admin:"$PASSWORD1" https://x', "curl -u admin:'{{ssm-secure:db1}}' https://x", "curl -u a:'' 'b:c1d2e3f4'",
        "curl -u user:password https://x", "curl -u username:mypassword https://x", "curl -u admin https://x:8443/a1b2c3",
        "curl -u : --negotiate https://files1.example.com", "curl --user-agent app:v1.2.3-beta4 https://x",
        "curl -u admin:{{ssm-secure:db1}} https://x", "curl -u deploy:7b0f5d3e-1c1a-4a6c-9f3e-2f6f4f4f4f4f https://x",
        "curl -fsSL https://example.com/install1.sh | sudo -u app1:group12 sh", "curl https://x && docker run -u app:group1234 x",
        "curl -o /dev/null -w '%{http_code}' https://x:443/", "curlew -u admin:S3cr3tPass!", "yum install -y curl\n-u a:S3cr3tPass!",
        "sshpass -e ssh deploy@h", "sshpass -p $PASS ssh h", 'sshpass -p "${PASS1}" ssh h', "sshpass -p password ssh h",
        "sshpass -f /run/secrets/db1 ssh -p 2222 host-a1b2c3", "mysql -u root -p orders2024", "mysql -u root -p$MYSQL_PWD1 x",
        "mysql -h db1.internal -P 3306 -u app1", "mysql --protocol=tcp2tcp", "mysql -e 'show tables' && nmap -p1-65535 x",
        "mysql -uroot -p < dump1.sql", "systemctl restart mysql -p8a8a8a8", "mysql-connector -pS3cr3tPass",
    ),
)  # fmt: skip
