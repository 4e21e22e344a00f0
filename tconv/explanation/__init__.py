"""Why every number is what it is: the terms of each element, as text, pictures and a page."""

from tconv.explanation.entry import Explain
from tconv.explanation.explanation import Explanation
from tconv.explanation.terms import Term

explain = Explain()

__all__ = ["Explanation", "Term", "explain"]
