"""Every language has every scenario, and no scenario that is only its own goes by a shared list's name."""

import re
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).resolve().parents[1]
NAMES = [
    line for line in (CONFORMANCE / "scenarios.txt").read_text().splitlines() if line and not line.startswith("#")
]
FORMS = {
    "rust": ("src/scenarios/*.rs", r'Scenario::new\("(\w+)"'),
    "go": ("go/*_test.go", r'^\t\{"(\w+)", \w+\},$'),
    "javascript": ("js/*.test.js", r'scenario\("(\w+)"'),
    "java": ("java/src/test/java/timebrook/*Scenarios.java", r"^    @Test\n    void (\w+)\("),
    "python": ("python/test_*.py", r"^def test_(\w+)\("),
}


@pytest.mark.parametrize("language", FORMS)
def test_scenario_names(language):
    files, form = FORMS[language]
    found = set()
    for file in CONFORMANCE.glob(files):
        found |= set(re.findall(form, file.read_text(), re.MULTILINE))
    assert set(NAMES) - found == set()
    if language != "python":
        # Python has scenarios that no other language has; the others have none.
        assert found - set(NAMES) == set()
