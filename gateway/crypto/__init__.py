"""Crypto (essay follows)."""

from gateway.crypto.holders import InlineHolder, KeyHolder, KeyHolderPool
from gateway.crypto.judge import InlineJudge, JudgePool

__all__ = ["InlineHolder", "InlineJudge", "JudgePool", "KeyHolder", "KeyHolderPool"]
