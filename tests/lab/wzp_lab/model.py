"""What a scenario is made of. The scenarios themselves: scenarios.py."""

import dataclasses
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Side:
    """One peer and what stands between it and the internet. A kind of
    routers.KINDS for each family; None: the side has no addresses of it."""
    nat4: Optional[str] = "pr"
    nat6: Optional[str] = None
    outer4: Optional[str] = None    # a second router before nat4's
    lan: Optional[str] = None       # "192.168.1"; default: one of its own
    host: int = 2                   # last byte of its address in the LAN
    hairpin: bool = False
    udp_timeout: Optional[int] = None   # seconds a mapping lives
    args: tuple = ()                # more arguments of wzp-lab-peer


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that happens: at seconds after media flows both ways, or
    (when="race") as soon as both sides have begun the race."""
    do: str                         # a method of actions.Actions
    args: tuple = ()
    at: float = 0.0
    when: str = "media"


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    a: Side                         # calls
    b: Side                         # listens
    expect: str                     # last path by the design: D, R, or E: an
                                    # error that names both paths
    group: str = "matrix"
    first: Optional[str] = None     # path before the steps; None: as expect
    same_lan: bool = False          # b is in a's LAN
    delay_ms: float = 20            # one way, between any two ports
    jitter_ms: float = 0
    direct_loss: float = 0          # percent, one way, between a and b
    relay_loss: float = 0           # percent, one way, to and from the relay
    setup: tuple = ()               # commands for the wire, before the call
    steps: tuple = ()
    seconds: float = 4.0            # of media
    skews: tuple = (0,)
    limit: float = 30.0             # of a run, seconds
    media_within: float = 5.0       # of the caller's start, seconds
    gap_limit_ms: Optional[float] = None    # race.md's target
    needs: str = ""                 # what of the design it takes
    smoke: bool = False
    note: str = ""

    def settle(self):
        """Where media is expected before the steps."""
        return self.first or self.expect
