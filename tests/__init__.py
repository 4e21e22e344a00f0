"""The tests.  Their tree mirrors that of tconv; what several of them share is in support/."""
