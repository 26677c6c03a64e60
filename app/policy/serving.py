"""How what lies at a path is served, as the operator says. It never says who may have it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal

from app.domain.order import Direction, Order, SortKey
from app.domain.paths import ArtifactPath
from app.policy.globs import PathGlob

DeliveryMode = Literal["auto", "redirect", "proxy", "accel"]


@dataclass(frozen=True)
class ServingOptions:
    """What is said of a path; None for what is not said.

    Attributes:
        delivery: how bytes go out, in place of the setting.
        content_type: of files, in place of what is stored or follows from the name.
        index: names of index files; the first that exists stands for its folder if a page is requested.
        html: `render` where a browser may show HTML and SVG, in a sandbox; `attachment` where it saves them.
        sort, order: how folders are sorted where a request does not say.
    """

    delivery: DeliveryMode | None = None
    content_type: str | None = None
    index: tuple[str, ...] | None = None
    html: Literal["attachment", "render"] | None = None
    sort: SortKey | None = None
    order: Direction | None = None

    @property
    def folder_order(self) -> Order | None:
        """The order of a folder's entries; None for the listing order."""
        if self.sort is None and self.order is None:
            return None
        return Order(self.sort or "version", self.order or "asc")


@dataclass(frozen=True)
class ServingRule:
    """What is said of the paths that a glob matches."""

    glob: PathGlob
    options: ServingOptions


@dataclass(frozen=True)
class ServingRules:
    """All that a site policy says of serving.

    Attributes:
        rules: kept sorted, most specific first.
    """

    rules: tuple[ServingRule, ...] = ()

    def __post_init__(self) -> None:
        by_specificity = sorted(self.rules, key=lambda rule: rule.glob.specificity, reverse=True)
        object.__setattr__(self, "rules", tuple(by_specificity))

    def options_for(self, path: ArtifactPath) -> ServingOptions:
        """What is said of a path: each option by the most specific rule that says it."""
        return _options_for(self.rules, path) if self.rules else _NOTHING_SAID


NO_SERVING_RULES = ServingRules()
_NOTHING_SAID = ServingOptions()


@lru_cache(4096)
def _options_for(rules: tuple[ServingRule, ...], path: ArtifactPath) -> ServingOptions:
    said = [rule.options for rule in rules if rule.glob.matches(path)]
    return ServingOptions(
        **{
            option.name: next(
                (value for options in said if (value := getattr(options, option.name)) is not None), None
            )
            for option in fields(ServingOptions)
        }
    )
