"""What the README says, run as it stands."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import botocore.loaders
import botocore.model
import pytest
from clients import fresh_account
from clients import environment as client_environment
from servers import binary
from test_endpoints import post

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
EXPECTED = re.compile(r"kitchen.{1,60}?21\.5", re.DOTALL)


def block(heading: str, language: str) -> str:
    """The first code block of a language under a heading."""
    section = README.split(f"\n### {heading}\n", 1)[1]
    return section.split(f"```{language}\n", 1)[1].split("```", 1)[0]


@pytest.fixture
def environment(url) -> dict[str, str]:
    """What the server's two lines set, in an account of its own."""
    tools = str(Path(sys.executable).parent)
    return client_environment(fresh_account(), "environment", url) | {
        "AWS_REGION": "us-east-1",
        "PATH": os.pathsep.join([tools, os.environ["PATH"]]),
    }


def output(command: list[str], environment: dict[str, str]) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_boto3_example(environment):
    assert EXPECTED.search(output([sys.executable, "-c", block("boto3", "python")], environment))


def test_aws_cli_example(environment):
    assert EXPECTED.search(output(["bash", "-euc", block("AWS CLI", "sh")], environment))


def test_javascript_example(environment):
    folder = ROOT / "conformance" / "js"
    if not (folder / "node_modules").exists():
        assert os.environ.get("CI") != "true", "the node modules are not installed"
        pytest.skip("the node modules are not installed: run scripts/test, or npm ci in conformance/js")
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=folder) as program:
        program.write(block("AWS SDK for JavaScript v3", "js"))
        program.flush()
        assert EXPECTED.search(output(["node", program.name], environment))


def test_rust_example(environment):
    source = (ROOT / "conformance" / "examples" / "quickstart.rs").read_text()
    # Below what our own lints want.
    assert block("AWS SDK for Rust", "rust") == source.split("\n\n", 1)[1]
    assert EXPECTED.search(output([str(binary().parent / "examples" / "quickstart")], environment))


def test_flags():
    told = subprocess.run([str(binary()), "--help"], capture_output=True, text=True, check=True).stdout
    section = README.split("\n## Flags\n", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"`(--[a-z0-9-]+)`", section))
    assert documented == set(re.findall(r"(?<=\s)--[a-z0-9-]+", told)) - {"--help", "--version"}
    assert set(re.findall(r"`(TIMEBROOK_\w+)`", section)) == set(re.findall(r"env: (TIMEBROOK_\w+)", told))


def test_operations(url):
    """Every operation of both services is listed where it belongs."""
    section = README.split("<!-- operations:", 1)[1].split("<!-- end of operations -->", 1)[0]
    implemented, missing = (set(re.findall(r"\b[A-Z][A-Za-z]+(?=[,.])", part)) for part in section.split("Not implemented"))
    known = {}
    for service in ("timestream-write", "timestream-query"):
        model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"))
        known |= {name: model.operation_model(name).input_shape for name in model.operation_names}
    assert implemented | missing == set(known)
    for name, shape in sorted(known.items()):
        _, _, answer = post(url, f"Timestream_20181101.{name}", json.dumps(example(shape)).encode())
        text = answer.get("Message") or answer.get("message") or ""
        assert (text == f"{name} is not implemented by Timebrook yet.") == (name in missing), f"{name}: {answer}"


def example(shape: botocore.model.Shape):
    """A value that meets a shape's constraints, with the required members only."""
    match shape.type_name:
        case "structure":
            return {name: example(shape.members[name]) for name in shape.required_members}
        case "list":
            return [example(shape.member)]
        case "string" if shape.enum:
            return shape.enum[0]
        case "string":
            texts = (letter * length for letter in "aA" for length in (3, 32))
            pattern = shape.metadata.get("pattern", ".*")
            least = shape.metadata.get("min", 0)
            return next(text for text in texts if len(text) >= least and re.fullmatch(pattern, text))
        case "boolean":
            return True
        case "timestamp":
            return 0
        case _:
            return shape.metadata.get("min", 1)
