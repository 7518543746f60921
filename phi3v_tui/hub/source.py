"""Which repository on the hub, and which revision of it."""

import re
from dataclasses import dataclass
from typing import Self

# Weights are trusted only as far as they are known: these are the commits that the hub gave as the
# newest of each repository when they were looked up. Seen independently of each other for 3.5 as
# the resolved revision in the reports of github.com/jrp2014/check_models and pinned in several
# evaluation scripts; for 3 in InternLM/lmdeploy (lmdeploy/pytorch/models/phi3_v.py), in
# deepjavalibrary/djl-serving issue 2502 and in the S60 model list of vllm_utils ("branch: main").
PINNED = {
    "microsoft/Phi-3.5-vision-instruct": "12b77fb40b63a2c73c68243d3f767aab688a1b2a",
    "microsoft/Phi-3-vision-128k-instruct": "c45209e90a4c4f7d16b2e9d48503c7f3e83623ed",
}
"""The published checkpoints, the one to prefer first, and the commit of each that is downloaded."""

PUBLISHED_BYTES = 8_293_242_880
"""Size of the weights of a published checkpoint, which is the same for both."""

_HUB_ID = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w.-]+)(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?")
_SHOWN_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Source:
    """A repository at a revision.

    Attributes:
        repo: Such as "microsoft/Phi-3.5-vision-instruct".
        revision: A commit, branch or tag; None is the newest of the main branch.
        is_pinned: Whether this program chose the revision, so that another one may stand in.
    """

    repo: str
    revision: str | None = None
    is_pinned: bool = False

    @classmethod
    def pinned(cls, repo: str) -> Self:
        """A published checkpoint at the revision that this program is made for."""
        return cls(repo, PINNED[repo], is_pinned=True)

    @classmethod
    def parse(cls, model: str) -> Self | None:
        """Read "owner/name" or "owner/name@revision"; None where it is neither."""
        found = _HUB_ID.fullmatch(model)
        if found is None:
            return None
        if found["revision"] is None and found["repo"] in PINNED:
            return cls.pinned(found["repo"])
        return cls(found["repo"], found["revision"])

    @property
    def name(self) -> str:
        """For people: without the owner, with the revision where the person chose it."""
        name = self.repo.split("/")[1]
        return name if self.revision is None or self.is_pinned else f"{name}@{self.short_revision}"

    @property
    def asked(self) -> str:
        """What `--model` takes for it."""
        is_whole = self.revision is None or self.is_pinned
        return self.repo if is_whole else f"{self.repo}@{self.revision}"

    @property
    def short_revision(self) -> str:
        """The revision as people read it: the first digits of a commit."""
        return short(self.revision or "main")


def short(revision: str) -> str:
    """The first digits of a commit; other revisions as they are."""
    is_commit = re.fullmatch(r"[0-9a-f]{40}", revision)
    return revision[:_SHOWN_DIGITS] if is_commit else revision
