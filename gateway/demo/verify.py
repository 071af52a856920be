"""The stranger: checks a demo's two gateways from outside, in a process of its own, and says what it found as JSON.

    python -m gateway.demo.verify FOLDER

It reads databases, blobs, receipts and logs, read-only, beside the running gateways or after them, and holds no key.
Beyond what `gateway audit verify` checks in each installation, it holds the two against each other: every leaf that a
receipt speaks of must stand at that very index in the log of the gateway that gave the receipt; unless that gateway was
restored, lost the leaf, and received the transfer again.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from gateway.core.ids import GatewayId
from gateway.core.states import DeliveryState, MessageKind, Outcome
from gateway.demo.world import PARTY_OFFICE
from gateway.evidence import InstallationCheck, InstallationReport
from gateway.outside import open_for_reading

SIDES: Final = ("party", "government")


async def verify_demo(folder: Path) -> dict[str, object]:
    """Check both installations and hold them against each other; the findings as plain values."""
    async with AsyncExitStack() as stack:
        checks = [await stack.enter_async_context(open_for_reading(folder / side / "gateway.toml")) for side in SIDES]
        async with asyncio.TaskGroup() as both:  # each has a judge of its own
            runs = [both.create_task(check.run()) for check in checks]
        reports = [run.result() for run in runs]
        by_gateway = {report.gateway: check for check, report in zip(checks, reports, strict=True)}
        problems = [
            f"{side}: {problem}" for side, report in zip(SIDES, reports, strict=True) for problem in _problems(report)
        ]
        for report in reports:
            problems += await _held_against_peers(report, by_gateway)
        party, government = reports
        return {
            "deliveries": party.deliveries.get(DeliveryState.DELIVERED, 0),
            "receipts": _received(party),
            "statuses": dict(party.business_statuses),
            "replies": party.inbox.get(PARTY_OFFICE, 0),
            "leaves": party.log.leaves + government.log.leaves,
            "envelopes": len(party.envelopes | government.envelopes),
            "seals": len(party.seals | government.seals),
            "problems": problems,
        }


def _problems(report: InstallationReport) -> list[str]:
    faults = [f"audit log, leaf {fault.index}: {fault.reason}" for fault in report.log.faults]
    if report.log.checkpoint is None:
        faults.append("audit log: no checkpoint")
    return [*faults, *(f"{problem.what}: {problem.why}" for problem in report.problems)]


def _received(report: InstallationReport) -> int:
    """Recipients of documents whose claim and inclusion proof were checked."""
    return sum(
        line.outcome is Outcome.RECEIVED
        for receipt in report.receipts
        if receipt.kind is MessageKind.DOCUMENT
        for line in receipt.lines
    )


async def _held_against_peers(report: InstallationReport, checks: Mapping[GatewayId, InstallationCheck]) -> list[str]:
    """Leaves of receipts that do not stand where the receipt says, in the log of who gave it."""
    problems: list[str] = []
    for receipt in report.receipts:
        indexes = await checks[receipt.destination].indexes([line.leaf_hash for line in receipt.lines])
        astray = [line for line in receipt.lines if indexes.get(line.leaf_hash) != line.index]
        lost = [line.index for line in astray if line.leaf_hash not in indexes]
        if not astray:
            continue
        if len(lost) == len(astray) and await checks[receipt.destination].came_again(receipt.transfer, lost):
            continue
        problems += [
            f"receipt {receipt.transfer}: the leaf of {line.organ_id} is not in the log of {receipt.destination}"
            for line in astray
        ]
    return problems


def main() -> int:
    """Print the findings as one JSON object; 0 when everything holds, 4 when something does not."""
    findings = asyncio.run(verify_demo(Path(sys.argv[1])))
    json.dump(findings, sys.stdout, ensure_ascii=False)
    return 4 if findings["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
