"""Speech: the catalogue in one language, for whoever puts a report into words."""

import re
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gateway.core.clock import evidence_time
from gateway.core.validation import PolicyUsed, RevocationSeen, RevocationStatus
from gateway.evidence.papers.paper import Tone, cut
from gateway.evidence.papers.sayings import word
from gateway.observe import Text, label, text

_NAME_PARTS: Final = MappingProxyType(
    {
        "Common Name": "common_name",
        "Organization": "organization",
        "Organizational Unit": "unit",
        "Organization Identifier": "organization_identifier",
        "Country": "country",
        "State/Province": "province",
        "Locality": "locality",
        "Given Name": "given_name",
        "Surname": "surname",
        "Serial Number": "serial_number",
        "Title": "title",
        "Email Address": "email",
        "Street Address": "street",
        "Postal Code": "postal_code",
        "User ID": "user_id",
        "Domain Component": "domain",
    }
)
"""The parts of a distinguished name, as a verdict calls them (RFC 5280 appendix A.1) and as the catalogue does."""
_NAME_PART: Final = re.compile(rf"(?:^|(?<=[,;] ))({'|'.join(map(re.escape, _NAME_PARTS))}): ")
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_HOURS_UP_TO: Final = 2 * _DAY


class Speech:
    """One language, `vi` or `en`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def choose(self, words: Text) -> str:
        """One text of two."""
        return words.en if self.language == "en" else words.vi

    def say(self, message_id: str, **params: object) -> str:
        """A text under `verification.`."""
        return self.choose(text(f"verification.{message_id}", params))

    def word(self, name: str) -> str:
        """A word under `label.verification.`."""
        return self.choose(word(name))

    def label(self, name: str, value: str) -> str:
        """A word of another vocabulary; one that this version does not know as it is."""
        try:
            return self.choose(label(f"{name}.{value}"))
        except KeyError:
            return cut(value)

    def number(self, number: int) -> str:
        """Digits in groups of three, as the language writes them."""
        grouped = f"{number:,}"
        return grouped if self.language == "en" else grouped.replace(",", ".")

    def time(self, moment: datetime | None) -> str:
        """A moment as evidence, or that it is not known."""
        return evidence_time(moment) if moment else self.word("unknown")

    def text(self, value: str) -> str:
        """A stranger's text, or that there is none."""
        return cut(value) if value else self.word("unknown")

    def subject(self, subject: str) -> str:
        """A distinguished name for the eye, its parts called in this language.

        Nothing is picked out of it: with commas in a name, strangers would choose what is picked.
        """
        bare = subject.removeprefix("Common Name: ")
        return cut(_NAME_PART.sub(lambda part: f"{self.word(f'name.{_NAME_PARTS[part[1]]}')}: ", bare))

    def policy(self, policy: PolicyUsed | None) -> str:
        """Which rules were applied."""
        if policy is None:
            return self.word("unknown")
        return self.say("policy", name=policy.name, version=policy.version)

    def age(self, seconds: int) -> str:
        """How long that is, as people say it."""
        if seconds < _HOUR:
            return self.say("age.minutes", count=seconds // _MINUTE)
        if seconds < _HOURS_UP_TO:
            return self.say("age.hours", count=seconds // _HOUR)
        return self.say("age.days", count=seconds // _DAY)

    def revocation(self, seen: RevocationSeen | None) -> str:
        """What evidence says of one certificate, which evidence, from where and how old."""
        if seen is None:
            return self.word("revocation.not_checked")
        said = self.word(f"revocation.{seen.status}")
        if seen.status is RevocationStatus.REVOKED and seen.revoked_at is not None:
            said = self.say("revoked_at", said=said, time=evidence_time(seen.revoked_at))
        if not seen.kind:
            return said
        facts = [f"{seen.kind.upper()} ({self.label('verification.source', seen.source or 'unknown')})"]
        if seen.issued_at is not None:
            facts.append(self.say("issued_at", time=evidence_time(seen.issued_at)))
        if seen.age_seconds is not None and seen.age_seconds >= 0:
            facts.append(self.say("age", age=self.age(seen.age_seconds)))
        return f"{said}. {'; '.join(facts)}"


def tone_of(indication: object) -> Tone:
    """The tone of a verdict."""
    tones = {"TOTAL-PASSED": Tone.GOOD, "INDETERMINATE": Tone.DOUBT, "TOTAL-FAILED": Tone.BAD}
    return tones.get(str(indication), Tone.PLAIN)
