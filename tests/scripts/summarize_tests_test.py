"""The totals must not call a test passed that failed, could not start or was skipped."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "scripts"))
import summarize_tests  # noqa: E402

PASSED = '<testcase name="a" status="run"/>'
FAILED = '<testcase name="b" status="fail"><failure message="Failed"/></testcase>'
NOT_FOUND = '<testcase name="c" status="notrun"><skipped message="Unable to find executable"/></testcase>'
SKIPPED = (
    '<testcase name="d" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
    "<system-out>x.cpp:3: Skipped\nno device\n[  SKIPPED ] d\n</system-out></testcase>"
)
DISABLED = '<testcase name="e" status="disabled"><skipped message=""/></testcase>'


def summary(*cases):
    with tempfile.NamedTemporaryFile("w", suffix=".xml", delete=False) as report:
        report.write("<testsuite>" + "".join(cases) + "</testsuite>")
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            status = summarize_tests.main(report.name)
    finally:
        os.unlink(report.name)
    return status, output.getvalue().splitlines()


class SummaryTest(unittest.TestCase):
    def test_all_passed(self):
        self.assertEqual(summary(PASSED, PASSED), (0, ["2 passed, 0 failed"]))

    def test_failure_is_named(self):
        self.assertEqual(summary(PASSED, FAILED), (1, ["failed: b: Failed", "1 passed, 1 failed"]))

    def test_missing_program_is_a_failure(self):
        self.assertEqual(summary(PASSED, NOT_FOUND), (1, ["failed: c: Unable to find executable", "1 passed, 1 failed"]))

    def test_skip_has_its_reason(self):
        status, lines = summary(PASSED, SKIPPED, DISABLED)
        self.assertEqual(status, 0)
        self.assertEqual(lines, ["skipped: d: no device", "skipped: e: disabled", "1 passed, 0 failed, 2 skipped"])

    def test_nothing_ran(self):
        self.assertEqual(summary(), (1, ["0 passed, 0 failed"]))
        self.assertEqual(summary(SKIPPED)[0], 1)

    def test_no_report(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
            status = summarize_tests.main("/nonexistent/tests.xml")
        self.assertEqual((status, output.getvalue()), (1, "0 passed, 0 failed\n"))


if __name__ == "__main__":
    unittest.main()
