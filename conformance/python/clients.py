"""One way to call the service, two clients behind it: boto3 and the AWS CLI.

A scenario is written once against `Client.call` and runs through every client, each with an explicit endpoint, with nothing but
AWS_ENDPOINT_URL in its environment, and over TLS.
"""

import atexit
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions

REGION = "us-east-1"

# A client reads the environment when it is made; one at a time may change it for that.
ENVIRONMENT_LOCK = threading.Lock()

# Operations of the query service; all others called here belong to the write service.
QUERY_OPERATIONS = {
    "query",
    "cancel_query",
    "prepare_query",
    "describe_account_settings",
    "create_scheduled_query",
    "delete_scheduled_query",
    "describe_scheduled_query",
    "execute_scheduled_query",
    "list_scheduled_queries",
    "update_scheduled_query",
}


def fresh_account() -> str:
    """A 12-digit account that nothing else uses: its own, empty world on the server."""
    return str(100_000_000_000 + secrets.randbelow(899_999_999_999))


@dataclass
class ServiceError(Exception):
    """What a client reports of a failed call. Members that a client does not show are None."""

    code: str
    message: str
    status: int | None = None
    body: dict | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.code} ({self.status}): {self.message}"


@cache
def authority(url: str) -> str:
    """The path of a file with the server's certificate authority."""
    with urllib.request.urlopen(f"{url}/_timebrook/ca.pem", timeout=30) as response, tempfile.NamedTemporaryFile(
        suffix=".pem", delete=False
    ) as file:
        file.write(response.read())
    atexit.register(os.unlink, file.name)
    return file.name


def environment(account: str, mode: str, url: str) -> dict[str, str]:
    """The environment of a client: credentials of the account, and what the mode wants there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        # No file of the machine's user has a say, and no metadata service is asked for.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    match mode:
        case "environment":
            kept["AWS_ENDPOINT_URL"] = url
        case "tls":
            kept["AWS_CA_BUNDLE"] = authority(url)
    return kept


def explicit_endpoint(mode: str, url: str) -> str | None:
    """The endpoint as it is given in code or on the command line."""
    return {"explicit": url, "tls": url.replace("http://", "https://", 1)}.get(mode)


class Client:
    """Calls operations by their snake_case names with the API's own parameters."""

    # Whether ServiceError.status and .body are filled.
    shows_http = False

    def __init__(self, mode: str, url: str, account: str | None = None):
        self.mode, self.url, self.account = mode, url, account or fresh_account()

    def call(self, operation: str, **parameters) -> dict:
        raise NotImplementedError


class Boto3(Client):
    """boto3 as a program would use it."""

    shows_http = True

    def __init__(self, mode: str, url: str, account: str | None = None, checks_parameters: bool = True):
        super().__init__(mode, url, account)
        # Without botocore's own checks of parameters, those of the server are seen.
        self.config = botocore.config.Config(parameter_validation=checks_parameters)
        self.write, self.query = self.client("timestream-write"), self.client("timestream-query")

    def client(self, service: str):
        """A boto3 client; in the environment mode it is made with the endpoint only there."""
        endpoint = explicit_endpoint(self.mode, self.url)
        explicit = {"endpoint_url": endpoint} if endpoint else {}
        with ENVIRONMENT_LOCK:
            saved = dict(os.environ)
            os.environ.clear()
            os.environ.update(environment(self.account, self.mode, self.url))
            try:
                return boto3.session.Session().client(service, region_name=REGION, config=self.config, **explicit)
            finally:
                os.environ.clear()
                os.environ.update(saved)

    def call(self, operation: str, **parameters) -> dict:
        client = self.query if operation in QUERY_OPERATIONS else self.write
        try:
            answer = getattr(client, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            body = error.response
            raise ServiceError(
                body["Error"]["Code"], body["Error"]["Message"], body["ResponseMetadata"]["HTTPStatusCode"], body
            ) from None
        answer.pop("ResponseMetadata")
        return answer


class AwsCli(Client):
    """The `aws` command, one process a call."""

    ERROR = re.compile(r"An error occurred \((\w+)\) when calling the (\w+) operation(?: \(.*?\))?: (.*)", re.DOTALL)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """`aws ARGUMENTS`, with the endpoint given as the mode says."""
        endpoint = explicit_endpoint(self.mode, self.url)
        explicit = ["--endpoint-url", endpoint] if endpoint else []
        return subprocess.run(
            [str(Path(sys.executable).with_name("aws")), *explicit, "--region", REGION, "--output", "json", *arguments],
            env=environment(self.account, self.mode, self.url),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def json(self, *arguments: str) -> dict:
        """The JSON that `aws ARGUMENTS` prints; raises ServiceError for the service's errors."""
        done = self.run(*arguments)
        if done.returncode == 0:
            return json.loads(done.stdout) if done.stdout.strip() else {}
        found = self.ERROR.search(done.stderr)
        assert found, f"aws {' '.join(arguments)} failed otherwise: {done.stderr}"
        raise ServiceError(found.group(1), found.group(3).strip())

    def call(self, operation: str, **parameters) -> dict:
        service = "timestream-query" if operation in QUERY_OPERATIONS else "timestream-write"
        pages = ["--no-paginate"] if operation == "query" else []
        return self.json(
            service, operation.replace("_", "-"), *pages, "--cli-input-json", json.dumps(parameters, default=str)
        )


def datum_text(datum: dict) -> str:
    """A Datum as the .slt files print it."""
    match datum:
        case {"ScalarValue": text}:
            return text
        case {"NullValue": True}:
            return "NULL"
        case {"ArrayValue": items}:
            return "[" + ", ".join(map(datum_text, items)) + "]"
        case {"RowValue": {"Data": fields}}:
            return "(" + ", ".join(map(datum_text, fields)) + ")"
        case {"TimeSeriesValue": points}:
            return "[" + ", ".join(f"({point['Time']}, {datum_text(point['Value'])})" for point in points) + "]"
    raise AssertionError(f"not a Datum: {datum}")


def query_all(client: Client, sql: str, **parameters) -> tuple[list[dict], list[dict]]:
    """The columns and all rows of a query, following NextToken to its end."""
    answer = client.call("query", QueryString=sql, **parameters)
    rows = list(answer["Rows"])
    while "NextToken" in answer:
        answer = client.call("query", QueryString=sql, NextToken=answer["NextToken"], **parameters)
        rows += answer["Rows"]
    return answer["ColumnInfo"], rows


def rows_of(client: Client, sql: str) -> list[list[str]]:
    """All rows of a query as text."""
    return [[datum_text(datum) for datum in row["Data"]] for row in query_all(client, sql)[1]]
