"""From a call to the backend that computes it: by the types of the arrays, with a plan."""

from tconv._dispatch.backend import received
from tconv._dispatch.maps import ForwardMap, TransposedMap

__all__ = ["ForwardMap", "TransposedMap", "received"]
