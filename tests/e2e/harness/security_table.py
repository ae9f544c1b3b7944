"""Who may do what, as docs/security.md says it: its tables, parsed. Test and document are one."""

import pathlib
from dataclasses import dataclass

DOCUMENT = pathlib.Path(__file__).resolve().parents[3] / "docs" / "security.md"
ROLES = ("nobody", "stranger", "banned", "muted", "member", "moderator", "owner")
IDENTITIES = ("nobody", "guest", "account", "vouched")
EVERY_ACT = "every act"


@dataclass(frozen=True)
class Row:
    """One act: the calls and commands that do it, and what each gets who tries."""

    act: str
    calls: tuple
    commands: tuple
    answers: dict


def _tables(text):
    """The tables of a document: lists of rows, which are lists of cells."""
    table = []
    for line in text.splitlines() + [""]:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif table:
            yield table[0], table[2:]
            table = []


def _list(cell):
    return tuple(part.strip().strip("`") for part in cell.split(",") if part.strip())


def _rows(header, body):
    for cells in body:
        act, calls, commands, *answers = cells
        yield Row(act, _list(calls), _list(commands), dict(zip(header[3:], answers, strict=True)))


class SecurityTable:
    def __init__(self):
        self.of_channels = []  # Rows.
        self.of_oneself = []
        self.shown_by = []  # Cells that name tests.
        self._exceptions = []  # Kinds, roles, acts, answer.
        for header, body in _tables(DOCUMENT.read_text(encoding="utf-8")):
            if header == ["act", "gRPC", "line", *ROLES]:
                self.of_channels = list(_rows(header, body))
            elif header == ["act", "gRPC", "line", *IDENTITIES]:
                self.of_oneself = list(_rows(header, body))
            elif header == ["who", "tries", "what stops it", "shown by"]:
                self.shown_by = [cells[-1] for cells in body]
            elif header == ["kind", "who", "act", "answer"]:
                self._exceptions = [(*map(_list, cells[:3]), cells[3]) for cells in body]
        if not (self.shown_by and self.of_channels and self.of_oneself and self._exceptions):
            raise AssertionError(f"the tables of {DOCUMENT} are not there, or not as expected")
        known = {row.act for row in self.of_channels} | {EVERY_ACT}
        for _, roles, acts, _ in self._exceptions:
            if not (set(acts) <= known and set(roles) <= set(ROLES)):
                raise AssertionError(f"unknown words in {roles}, {acts}")

    def answer(self, row, role, kind):
        """What the document says of an act in a channel of this kind."""
        for kinds, roles, acts, answer in self._exceptions:
            if kind in kinds and role in roles and (row.act in acts or EVERY_ACT in acts):
                return answer
        return row.answers[role]

    def calls(self):
        return {call for row in self.of_channels + self.of_oneself for call in row.calls}

    def commands(self):
        return {name for row in self.of_channels + self.of_oneself for name in row.commands}
