"""What people who carry the project on find at its root: how to cite it, what changed, where to report."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from conftest import ROOT

import lstmlib

FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
# GitHub's form schema: what each kind of field must say, and what it may say beside that
FIELDS = {
    "markdown": ({"value"}, set()),
    "input": ({"label"}, {"description", "placeholder", "value"}),
    "textarea": ({"label"}, {"description", "placeholder", "value", "render"}),
    "dropdown": ({"label", "options"}, {"description", "multiple", "default"}),
    "checkboxes": ({"label", "options"}, {"description"}),
}


def form(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_version_stands_once_and_the_citation_and_the_changelog_follow_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "lstmlib.__version__"}
    assert form(ROOT / "CITATION.cff")["version"] == lstmlib.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changes, re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == lstmlib.__version__
    assert all(date for _, date in headings[1:])


def test_the_citation_has_what_its_format_requires():
    citation = form(ROOT / "CITATION.cff")
    assert {"authors", "cff-version", "message", "title"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == "MIT"
    assert "CC BY 4.0" in citation["abstract"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_takes(path):
    issue = form(path)
    assert {"name", "description", "body"} <= set(issue) <= {"name", "description", "body", "title", "labels"}
    for field in issue["body"]:
        required, optional = FIELDS[field["type"]]
        assert required <= set(field["attributes"]) <= required | optional
        assert set(field) <= {"type", "id", "attributes", "validations"}
        assert set(field.get("validations", {})) <= {"required"}
        options = field["attributes"].get("options", [])
        assert all(isinstance(option, str) for option in options), "such as a bare yes"
        assert len(set(options)) == len(options)
    asked = [field for field in issue["body"] if field["type"] != "markdown"]
    for names in ([field["id"] for field in asked], [field["attributes"]["label"] for field in asked]):
        assert len(set(names)) == len(names) > 0
    assert all(re.fullmatch(r"[\w-]+", field["id"]) for field in asked)


def test_no_two_issue_forms_have_one_name():
    assert len({form(path)["name"] for path in FORMS}) == len(FORMS) == 3


def test_make_says_what_each_of_its_targets_does():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    said = re.findall(r"^make (\w+) +\S.*$", done.stdout, re.MULTILINE)
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert said == phony.split()
