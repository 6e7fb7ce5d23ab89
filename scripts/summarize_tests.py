"""Reads ctest's JUnit report; prints the failed tests, the skipped ones with their reasons, and the line of totals.

    summarize_tests.py build/tests.xml   ->   12 passed, 0 failed, 1 skipped

The exit status is 1 if a test failed or none ran. A test that ctest could not start counts as failed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

# What GoogleTest, lit and unittest print around a skip's reason.
REASONS = (
    re.compile(r": Skipped\n(?P<reason>.+)"),
    re.compile(r"unavailable features: (?P<reason>.+)"),
    re.compile(r"skipped ['\"](?P<reason>.+)['\"]"),
)


def reason_of(output):
    for pattern in REASONS:
        match = pattern.search(output)
        if match:
            return match.group("reason").strip()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def outcome(case):
    """'passed', 'failed' or 'skipped', and for the latter two the reason."""
    output = case.findtext("system-out") or ""
    skipped = case.find("skipped")
    if case.get("status") == "disabled":
        return "skipped", "disabled"
    if case.get("status") == "notrun":
        message = skipped.get("message", "") if skipped is not None else ""
        if message.startswith("SKIP_"):
            return "skipped", reason_of(output)
        return "failed", message or "could not be run"
    if case.get("status") == "run":
        return "passed", ""
    failure = case.find("failure")
    return "failed", (failure.get("message", "") if failure is not None else "") or "see above"


def main(path):
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"error: no test report: {error}", file=sys.stderr)
        cases = []
    groups = {"passed": [], "failed": [], "skipped": []}
    for case in cases:
        kind, reason = outcome(case)
        groups[kind].append((case.get("name"), reason))
    for kind in ("skipped", "failed"):
        for name, reason in sorted(groups[kind]):
            print(f"{kind}: {name}: {reason}")
    line = f"{len(groups['passed'])} passed, {len(groups['failed'])} failed"
    if groups["skipped"]:
        line += f", {len(groups['skipped'])} skipped"
    print(line)
    return 0 if groups["passed"] and not groups["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
