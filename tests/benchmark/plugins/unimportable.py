"""A plugin whose dependency is missing."""

from __future__ import annotations

import a_library_that_is_not_installed  # noqa: F401


class Orphan:
    def fit(self, images: object, labels: object) -> Orphan:
        return self

    def decision_function(self, images: object) -> object:
        return None
