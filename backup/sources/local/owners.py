"""Names of users and groups: of this machine, or of the host that files were read from."""

import grp
import pwd
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

from backup.format.names import json_text


class Owners(Protocol):
    """Knows the names behind the numbers of one machine."""

    def user_name(self, uid: int, /) -> str:
        """Name of a user, or "" where there is none."""
        ...

    def group_name(self, gid: int, /) -> str:
        """Name of a group, or "" where there is none."""
        ...

    def text(self, uid: int, gid: int, /) -> str:
        """Give the owner's part of a node, as it is written in a tree."""
        ...


class LocalOwners:
    """The users and groups of this machine."""

    @staticmethod
    @lru_cache(maxsize=1024)
    def user_name(uid: int) -> str:
        """Name of a user, or "" where there is none."""
        try:
            return pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            return ""

    @staticmethod
    @lru_cache(maxsize=1024)
    def group_name(gid: int) -> str:
        """Name of a group, or "" where there is none."""
        try:
            return grp.getgrgid(gid).gr_name
        except (KeyError, OverflowError):
            return ""

    @staticmethod
    @lru_cache(maxsize=1024)
    def text(uid: int, gid: int) -> str:
        """Give the owner's part of a node, as it is written in a tree."""
        return owner_text(uid, gid, LOCAL_OWNERS.user_name(uid), LOCAL_OWNERS.group_name(gid))


class NamedOwners:
    """Users and groups as another machine names them; more may become known while it is read.

    Attributes:
        users, groups: Number to name.
    """

    def __init__(
        self, users: Mapping[int, str] | None = None, groups: Mapping[int, str] | None = None
    ) -> None:
        self.users = dict(users or {})
        self.groups = dict(groups or {})
        self._texts: dict[tuple[int, int], str] = {}

    def user_name(self, uid: int) -> str:
        """Name of a user, or "" where there is none."""
        return self.users.get(uid, "")

    def group_name(self, gid: int) -> str:
        """Name of a group, or "" where there is none."""
        return self.groups.get(gid, "")

    def text(self, uid: int, gid: int) -> str:
        """Give the owner's part of a node; both names must be known by now."""
        text = self._texts.get((uid, gid))
        if text is None:
            text = owner_text(uid, gid, self.user_name(uid), self.group_name(gid))
            self._texts[uid, gid] = text
        return text


def owner_text(uid: int, gid: int, user: str, group: str) -> str:
    """Write the owner's part of a node; a name that is not known is left out."""
    text = f'"uid":{uid},"gid":{gid},'
    if user:
        text += f'"user":{json_text(user)},'
    if group:
        text += f'"group":{json_text(group)},'
    return text


LOCAL_OWNERS = LocalOwners()
