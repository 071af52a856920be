import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit import (
    Checkpoint,
    InclusionProof,
    KeyType,
    NoteError,
    NoteSignature,
    SignatureError,
    UnverifiedError,
    VerifierKey,
    format_checkpoint,
    leaf_hash,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    sign_note,
    verify_checkpoint,
)
from gateway.core.limits import NOTE_BYTES_MAX
from tests.kit.log_signer import LogSigner
from tests.unit.audit.world import ORIGIN, vectors

SIGNER = LogSigner()
KEY = VerifierKey.of(ORIGIN, SIGNER.public_key)
ROOT = leaf_hash(b"root")
BODY = format_checkpoint(Checkpoint(origin=ORIGIN, size=70, root=ROOT))


def notes() -> Any:
    return json.loads((vectors("tlog") / "signed_note.json").read_text())


def outcome(note: str, vkeys: list[str]) -> tuple[str, int]:
    try:
        return "ok", len(open_note(note, [VerifierKey.parse(text) for text in vkeys]).signatures)
    except UnverifiedError:
        return "unverified", 0
    except SignatureError:
        return "invalid", 0
    except NoteError:
        return "malformed", 0


def test_the_signed_note_vectors() -> None:
    cases = notes()["open"]
    assert len(cases) > 10
    for case in cases:
        assert (outcome(case["note"], case["vkeys"]), case["name"]) == (
            (case["expect"], case["verified"]),
            case["name"],
        )


def test_bad_verifier_keys() -> None:
    for text in notes()["bad_vkeys"]:
        with pytest.raises(NoteError):
            VerifierKey.parse(text)


def test_a_key_id_is_computed_and_not_believed() -> None:
    name, key_id, key = KEY.format().split("+", 2)
    assert VerifierKey.parse(f"{name}+{key_id}+{key}") == KEY
    for text in (
        f"{name}+00000000+{key}",
        f"{name}x+{key_id}+{key}",
        f"{name}+{key_id.upper()}+{key}",
        f"{name}+{key}",
    ):
        with pytest.raises(NoteError):
            VerifierKey.parse(text)


def test_the_tree_text_vectors() -> None:
    text = notes()["tree_text"]
    expected = Checkpoint(
        origin="go.sum database tree", size=123456789012, root=leaf_hash(text["leaf_data_of_that_hash"].encode())
    )
    assert parse_checkpoint(text["good"]) == expected
    assert format_checkpoint(expected) == text["good"]
    with pytest.raises(NoteError):
        parse_checkpoint(text["bad_size"])


def test_the_real_go_checksum_database() -> None:
    case = next(case for case in notes()["open"] if "sum.golang.org" in case["note"])
    # Its origin line is not its key's name, which our checkpoints require; as a note it verifies.
    assert parse_checkpoint(open_note(case["note"], [VerifierKey.parse(case["vkeys"][0])]).text).size == 35_225_469


def test_our_generated_checkpoints_cosignature_and_proof() -> None:
    folder = vectors("tlog") / "own_generated"
    tree = json.loads((folder / "tree70000.json").read_text())
    log, witness = (VerifierKey.parse(text) for text in tree["vkeys"][:2])
    assert (log.type, witness.type) == (KeyType.ED25519, KeyType.COSIGNATURE)
    checkpoint = verify_checkpoint((folder / "checkpoint").read_text(), [tree["vkeys"][0]])
    cosigned = (folder / "checkpoint.cosigned").read_text()
    assert open_checkpoint(cosigned, [log, witness]) == checkpoint
    assert open_note(cosigned, [log, witness]).signatures == (
        NoteSignature(log, None),
        NoteSignature(witness, tree["cosign_time"]),
    )
    with pytest.raises(UnverifiedError):  # a witness alone does not speak for the log
        open_checkpoint(cosigned, [witness])
    with pytest.raises(NoteError, match="unknown type"):  # ML-DSA-44: its lines are passed over, its keys not taken yet
        VerifierKey.parse(tree["vkeys"][2])
    head, _, note = (folder / "leaf12345.tlog-proof").read_text().partition("\n\n")
    _, index, *path = head.split("\n")
    proof = InclusionProof(
        index=int(index.removeprefix("index ")), size=70_000, path=tuple(base64.b64decode(text) for text in path)
    )
    proof.check(leaf_hash(b"leaf 12345"), verify_checkpoint(note, [tree["vkeys"][0]]).root)


async def test_what_is_signed_opens_again() -> None:
    note = await sign_note(BODY, key=KEY, signer=SIGNER)
    assert open_checkpoint(note, [KEY]) == Checkpoint(origin=ORIGIN, size=70, root=ROOT)
    assert verify_checkpoint(note, [KEY.format()]).size == 70
    assert VerifierKey.parse(KEY.format()) == KEY


async def test_a_note_of_another_key_or_text_does_not_open() -> None:
    note = await sign_note(BODY, key=KEY, signer=SIGNER)
    other = VerifierKey.of(ORIGIN, LogSigner(2).public_key)
    with pytest.raises(UnverifiedError):
        open_checkpoint(note, [other])
    with pytest.raises(SignatureError):
        open_checkpoint(note.replace("\n70\n", "\n71\n"), [KEY])
    foreign = VerifierKey.of("another.example", SIGNER.public_key)
    with pytest.raises(UnverifiedError, match="not by the log"):
        open_checkpoint(await sign_note(BODY, key=foreign, signer=SIGNER), [foreign])


async def test_a_known_key_with_a_bad_signature_spoils_a_note_that_another_key_has_signed() -> None:
    note = await sign_note(BODY, key=KEY, signer=SIGNER)
    witness = VerifierKey.of("witness.example", LogSigner(2).public_key)
    line = f"— witness.example {base64.b64encode(witness.key_id + bytes(64)).decode()}\n"
    assert open_checkpoint(note + line, [KEY]).size == 70
    with pytest.raises(SignatureError):
        open_checkpoint(note + line, [KEY, witness])


async def test_a_signature_that_does_not_verify_never_leaves() -> None:
    with pytest.raises(SignatureError):
        await sign_note(BODY, key=KEY, signer=LogSigner(2))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2028b", "a\nb"])
def test_names_that_cannot_stand_in_a_note(name: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.of(name, SIGNER.public_key)


def test_only_ed25519_signs_logs() -> None:
    key = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(NoteError):
        VerifierKey.of(ORIGIN, key)


async def test_hostile_notes_are_malformed() -> None:
    note = await sign_note(BODY, key=KEY, signer=SIGNER)
    line = note.rpartition("\n\n")[2]
    for hostile in [
        "",
        "\n",
        "\n\n",
        "x" * (NOTE_BYTES_MAX + 1),
        note + "\n",
        note + "\ud800",
        note[:-1],
        note.replace("\n— ", "\r\n— "),
        note.replace("— ", "- "),
        note.replace(" ", "  "),
        note + f"— {ORIGIN}\u2028x AAAAAAA=\n",
        note + f"— {ORIGIN} AAAA\n",
        note + f"— {ORIGIN} AAAAAAB=\n",
        note + f"— {ORIGIN} AAAAA===\n",
        note + line * 100,
    ]:
        with pytest.raises(NoteError) as caught:
            open_note(hostile, [KEY])
        assert type(caught.value) is NoteError
    assert open_note(note + line * 99, [KEY]).signatures == (NoteSignature(KEY, None),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        f"{BODY}extension\n",
        BODY.replace("70", "070"),
        BODY.replace("70", "+70"),
        BODY.replace("70", "٧٠"),
        BODY.replace("70", str(2**63)),
        BODY.replace("70", "9" * 5000),
        BODY.replace("70", "0"),
        BODY.replace("=\n", "\n"),
        BODY.replace(base64.b64encode(ROOT).decode(), base64.b64encode(ROOT[:31]).decode()),
        BODY.replace(base64.b64encode(ROOT).decode(), "A" * 42 + "B="),
        BODY[:-1],
        "\n" + BODY,
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)
