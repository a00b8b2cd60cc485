"""For CI: JUnit XML, a suite of caveats, then one per cloak, with a test per figure.

A figure fails no test, however small: what is too little protection is for whoever asks to say. A
control that fails is an error, as nothing was measured; what was not measured is skipped.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from audit.report import AuditReport
from reports.parts import tables
from reports.parts.told import Told, told


def build() -> Junit:
    """Takes no options."""
    return Junit()


class Junit:
    """The elements and attributes of Jenkins' `junit-10.xsd`, which other readers know, too."""

    suffix = ".junit.xml"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`. Names are printable, so that XML can hold them."""
        root = Xml.Element("testsuites", name=tables.headline(report))
        suites = {"": Xml.SubElement(root, "testsuite", name="caveats")}
        for caveat in tables.caveats(report):
            name = f"{caveat.code}: {caveat.text}"
            case = Xml.SubElement(suites[""], "testcase", classname="caveats", name=name)
            if caveat.blocking:
                Xml.SubElement(case, "error", message=caveat.text, type=caveat.code)
        for result in told(report):
            if result.attack not in suites:
                suites[result.attack] = Xml.SubElement(root, "testsuite", name=result.attack)
            _case(suites[result.attack], result)
        for suite in suites.values():
            _count(suite)
        Xml.indent(root, " ")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _case(suite: Xml.Element, result: Told) -> None:
    name = f"{result.question} {result.what}".strip()
    case = Xml.SubElement(suite, "testcase", classname=result.attack, name=name)
    if result.state == "inconclusive":
        Xml.SubElement(case, "error", message=result.text, type=result.state)
    elif result.finding is None:
        Xml.SubElement(case, "skipped", message=result.text, type=result.state)
    else:
        Xml.SubElement(case, "system-out").text = result.text


def _count(suite: Xml.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
