"""In whose name a file speaks that is about to be signed: nothing is made that `gateway verify` would call undecided.

Duty 13 (`gateway.evidence.speaker`) is what a receiver asks who has nothing but the file. It is asked here before the key is:
what is judged is the certificate that will be shown, beside the sender that the file names.
"""

from pathlib import Path

from gateway.cli.errors import Failure
from gateway.cli.output import Terminal
from gateway.core.ports import Judge
from gateway.core.validation import Indication
from gateway.crypto import Evidence, KeyRef, Trust, judge_certificate
from gateway.evidence import Speaker, Standing, speaker_names, speaking
from gateway.exchange import sender_of_file
from gateway.observe import SystemClock


async def insist_on_speaker(file: Path, key: KeyRef, *, judge: Judge, trust: Trust) -> Speaker:
    """In whose name the file will speak, and whose signature it will bear.

    Raises:
        Failure: the certificate is another body's than the one that the file names as its sender.
        SenderError: `envelope.malformed`, `envelope.attachments`, `size.limit`: no receiver could read it.
    """
    sender = await judge.run(sender_of_file, file)
    above, moment = Evidence(certificates=key.chain[1:]), SystemClock().now()
    own = await judge.run(judge_certificate, key.chain[0], trust=trust, moment=moment, evidence=above)
    # one that is no good signs nothing anyway, and that is told first
    identity = own.identity if own.indication is Indication.TOTAL_PASSED else None
    speaker = speaking(identity, sender)
    if speaker.standing is Standing.OTHER:
        raise Failure("cli.edxml.speaker", **speaker_names(speaker))
    return speaker


def tell_speaker(terminal: Terminal, speaker: Speaker) -> None:
    """That nothing could be compared, where the certificate names no code."""
    if speaker.standing is Standing.NO_CODE:
        terminal.note(terminal.text("cli.edxml.speaker_no_code", **speaker_names(speaker)))
