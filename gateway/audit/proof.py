"""Inclusion proofs for many leaves at once, from stored nodes: one look for the indexes, one for all nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.audit.errors import NotCoveredError
from gateway.audit.tree import Climbed, inclusion_paths, verify_inclusion
from gateway.core.ledgers import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That a leaf stands at `index` in the tree of `size` leaves."""

    index: int
    size: int
    path: tuple[bytes, ...]
    """Merkle audit path, leaf to root (RFC 6962 section 2.1.1)."""

    def check(self, leaf_hash: bytes, root: bytes, *, climbed: Climbed | None = None) -> None:
        """Check the proof against the root of the tree of `size` leaves. `climbed`: see `verify_inclusion`.

        Raises:
            ProofError: it does not lead there.
        """
        verify_inclusion(leaf_hash, index=self.index, size=self.size, path=self.path, root=root, climbed=climbed)


def prove(uow: UnitOfWork, leaf_hashes: Sequence[bytes], size: int) -> Mapping[bytes, InclusionProof]:
    """Inclusion proofs of these leaves in the tree of the first `size` leaves, by leaf hash.

    Raises:
        NotCoveredError: one of them is still pending, or came after that size.
    """
    proofs = prove_covered(uow, leaf_hashes, size)
    for leaf in leaf_hashes:
        if leaf not in proofs:
            raise NotCoveredError(f"leaf {leaf.hex()} is not among the first {size}")
    return proofs


def prove_covered(uow: UnitOfWork, leaf_hashes: Sequence[bytes], size: int) -> Mapping[bytes, InclusionProof]:
    """The same of those that are among the first `size` leaves; the others have none yet."""
    indexes = {leaf: index for leaf, index in uow.log.indexes(leaf_hashes).items() if index < size}
    # Neighbours share most of their way to the root: all of it is little more than one path.
    paths = inclusion_paths(indexes.values(), size, uow.log.nodes)
    return {leaf: InclusionProof(index=index, size=size, path=paths[index]) for leaf, index in indexes.items()}
