"""Fixtures: the server's address and the clients that every scenario runs through."""

import os

import pytest
from clients import AwsCli, Boto3


def pytest_configure(config):
    if not os.environ.get("TIMEBROOK_URL"):
        pytest.exit("TIMEBROOK_URL is not set: start a server and give its address, or run scripts/test", returncode=2)


@pytest.fixture(scope="session")
def url() -> str:
    """The server's plain HTTP address."""
    return os.environ["TIMEBROOK_URL"].rstrip("/")


@pytest.fixture(params=[f"{client}-{mode}" for client in ("boto3", "cli") for mode in ("explicit", "environment", "tls")])
def client(request, url):
    """Each client in each way to give it the endpoint, in an account of its own."""
    kind, mode = request.param.split("-")
    return {"boto3": Boto3, "cli": AwsCli}[kind](mode, url)


@pytest.fixture(params=["explicit", "environment"])
def boto(request, url):
    """boto3 in each way to give it the endpoint."""
    return Boto3(request.param, url)


@pytest.fixture(params=["explicit", "environment"])
def cli(request, url):
    """The AWS CLI in each way to give it the endpoint."""
    return AwsCli(request.param, url)
