"""Wording: a verification in Vietnamese or English, section by section (experience.md 2.4): what every drawing of it says."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import Final

from gateway.core.clock import evidence_time
from gateway.core.validation import Indication
from gateway.evidence.papers.appendix import appendix
from gateway.evidence.papers.paper import (
    Block,
    Chapter,
    Facts,
    Heading,
    Listing,
    Paper,
    Paragraph,
    Section,
    Table,
    Tone,
    cut,
)
from gateway.evidence.papers.record import record_bytes
from gateway.evidence.papers.sayings import (
    limit_said,
    next_step,
    sentence,
    speaker_said,
    summary,
    trouble_said,
    unread_said,
)
from gateway.evidence.papers.signers import chains, changes, signers, timestamps
from gateway.evidence.papers.speech import Speech
from gateway.evidence.verification import FileVerification, Result, Verification, notable_speaker
from gateway.evidence.verification_limits import limits_of

RECORD_NAME: Final = "verification.json"
LOOKS: Final = MappingProxyType(
    {
        Result.PASSED: ("✔", Tone.GOOD),
        Result.UNDECIDED: ("!", Tone.DOUBT),
        Result.UNEXAMINED: ("!", Tone.DOUBT),
        Result.UNSIGNED: ("?", Tone.PLAIN),
        Result.FAILED: ("✘", Tone.BAD),
    }
)
"""Mark and tone: red only for a proven failure."""


class Wording:
    """Puts a verification into the words of one language."""

    def __init__(self, verification: Verification, language: str) -> None:
        self._verification = verification
        self._speech = Speech(language)

    def paper(self) -> Paper:
        """The report."""
        verification, speech = self._verification, self._speech
        files, circumstances = verification.files, verification.circumstances
        mark, tone = LOOKS[verification.result]
        one = len(files) == 1
        made_at = evidence_time(circumstances.made_at)
        return Paper(
            language=speech.language,
            title=speech.say("title"),
            mark=mark,
            tone=tone,
            sentence=speech.choose(sentence(files[0].result, files[0].name) if one else summary(verification)),
            overview=None if one else self._overview(),
            chapters=tuple(map(self._chapter, files)),
            record_title=speech.say("record"),
            record_note=speech.say("record.note", name=RECORD_NAME),
            record_digest=sha256(record_bytes(verification)).hexdigest(),
            record_name=RECORD_NAME,
            made_at=circumstances.made_at,
            made=speech.say("made", version=circumstances.version, time=made_at),
            page_of=speech.say("page", page="{page}", pages="{pages}"),
        )

    def _overview(self) -> Table:
        speech = self._speech
        rows = [
            (
                str(number),
                cut(file.name),
                speech.word(f"result.{file.result}"),
                file.report.digest if file.report else "",
            )
            for number, file in enumerate(self._verification.files, 1)
        ]
        headings = ("number", "file", "result", "sha256")
        return Table(tuple(speech.word(f"column.{name}") for name in headings), tuple(rows), (2, 9, 8, 12))

    def _chapter(self, file: FileVerification) -> Chapter:
        speech = self._speech
        mark, tone = LOOKS[file.result]
        found: tuple[tuple[str, Iterator[Block]], ...] = (
            ("conclusion", self._conclusion(file)),
            ("signers", chain(signers(speech, file), self._unsigned(file))),
            ("changes", changes(speech, file)),
            ("chain", chains(speech, file)),
            ("timestamps", timestamps(speech, file)),
            ("journey", iter((Paragraph(speech.say("journey")),))),
            ("limits", self._limits(file)),
            ("appendix", appendix(speech, file)),
        )
        return Chapter(
            mark=mark,
            tone=tone,
            sentence=speech.choose(sentence(file.result, file.name)),
            sections=tuple(
                Section(title=f"{number}. {speech.say(f'section.{name}')}", blocks=tuple(blocks))
                for number, (name, blocks) in enumerate(found, 1)
            ),
        )

    def _conclusion(self, file: FileVerification) -> Iterator[Block]:
        speech, tone = self._speech, LOOKS[file.result][1]
        yield Paragraph(speech.say(f"explained.{file.result}"), tone)
        if speaker := notable_speaker(file):
            yield Paragraph(speech.choose(speaker_said(speaker)), Tone.DOUBT)
        if file.trouble is not None:
            yield Paragraph(speech.say("because", reason=speech.choose(trouble_said(file))))
        parts = file.report.parts if file.report and not file.signatures and file.report.kind != "edxml" else ()
        for part in parts:
            if part.verdict.sub_indication is not None:
                yield Paragraph(speech.choose(unread_said(part, "" if file.report is None else file.report.kind)))
        yield Paragraph(speech.choose(next_step(file)))
        yield Facts(tuple(self._facts(file)))

    def _facts(self, file: FileVerification) -> Iterator[tuple[str, str]]:
        speech, circumstances, report = self._speech, self._verification.circumstances, file.report
        yield speech.word("fact.file"), cut(file.name)
        if report is not None:
            yield speech.word("fact.kind"), speech.word(f"kind.{report.kind}")
            yield speech.word("fact.size"), speech.say("bytes", size=speech.number(report.size), count=report.size)
            yield speech.word("fact.sha256"), report.digest
            yield speech.word("fact.signatures"), self._count(file)
        yield speech.word("fact.examined"), evidence_time(report.examined_at if report else circumstances.made_at)
        if report is not None:
            chosen = "judged_chosen" if circumstances.moment else "judged"
            yield speech.word("fact.judged"), speech.say(chosen, time=evidence_time(report.judged_at))
        yield speech.word("fact.program"), speech.say("program", version=circumstances.version)
        policies = file.policies or (None,)
        yield speech.word("fact.policy"), "; ".join(speech.policy(policy) for policy in policies)

    def _count(self, file: FileVerification) -> str:
        passed = sum(one.verdict.indication is Indication.TOTAL_PASSED for one in file.signatures)
        return self._speech.say("signatures", total=str(len(file.signatures)), passed=str(passed))

    def _unsigned(self, file: FileVerification) -> Iterator[Block]:
        """Files of an envelope of which no signature can be shown."""
        parts = file.report.parts if file.report and file.report.kind == "edxml" else ()
        for part in parts:
            if not part.verdict.signatures:
                state = "unsigned" if part.verdict.indication is None else "unread"
                yield Heading(cut(part.name))
                yield Paragraph(self._speech.say(f"part.{state}"))
        if file.report is not None and file.report.kind == "edxml" and file.report.envelope is None:
            yield Paragraph(self._speech.say("part.no_envelope"))

    def _limits(self, file: FileVerification) -> Iterator[Block]:
        limits = limits_of(file, self._verification.circumstances)
        yield Paragraph(self._speech.say("limits"))
        yield Listing(tuple(self._speech.choose(limit_said(limit)) for limit in limits))
