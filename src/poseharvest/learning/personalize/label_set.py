"""Names of the label sets that a network is personalised on; `labels` makes them."""

from __future__ import annotations

from enum import StrEnum


class LabelSet(StrEnum):
    """Sec. 4.4's names, and one that is not the paper's."""

    PS_SEL = "ps+sel"
    PS = "ps"
    HM = "hm"
    HM_SEL = "hm+sel"
    PS_WEIGHT = "ps+weight"
