#!/usr/bin/env python3
"""Checks the shape of the source tree: who includes whom, and how long files are.

    structure_check.py ROOT     prints every breach, one a line, and exits with 1 if there is one

The folders are floors (docs/architecture.md). A file includes only its own floor's outside world
and lower floors; folders of one floor never include each other; nothing includes the tests.
"""

import pathlib
import re
import sys

MAX_LINES = 450

# Folder -> the folders of this repository that it may include, besides itself.
ALLOWED_FOLDERS = {
    "core": set(),
    "storage": {"core"},
    "identity": {"core"},
    "gateway": {"core"},
    "grpc-service": {"core", "proto"},
    "cluster": {"core"},
    "server": {"core", "storage", "identity", "gateway", "grpc-service", "cluster", "proto"},
    "client": {"proto"},
    "bench": {"proto"},
    "tests": None,  # None: everything
    "fuzz": None,
}
# Folders below these that may include something else.
ALLOWED_SUBFOLDERS = {
    "bench/micro": {"core", "storage", "identity", "gateway", "grpc-service"},
}
PROJECT_FOLDERS = set(ALLOWED_FOLDERS) | {"proto"}
# What nobody but they themselves may include.
CONSUMERS_ONLY = {"tests", "bench", "fuzz"}

# Libraries, by the beginning of the included path.
GRPC = ("grpc/", "grpcpp/", "grpc++/", "google/")
SQL = ("sqlite3",)
ASIO = ("boost/",)
FORBIDDEN_LIBRARIES = {
    "storage": GRPC + ASIO,
    "identity": GRPC + ASIO + SQL,
    "gateway": GRPC + SQL,
    "grpc-service": ASIO + SQL,
    "client": SQL,
    "bench": SQL,
}
# core/ is stricter: only these, and the C++ standard library.
CORE_LIBRARIES = ("absl/",)
STANDARD_HEADERS = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv
    chrono cinttypes climits clocale cmath codecvt compare complex concepts condition_variable
    coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar
    cwctype deque exception execution expected filesystem format forward_list fstream functional
    future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale
    map memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
    regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
    stop_token streambuf string string_view strstream syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
    version""".split()
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def folder_of(include):
    """The project folder that an included path belongs to, or None."""
    first = include.split("/", 1)[0]
    if include.endswith(".pb.h"):
        return "proto" if first == "txtchat" else None
    return first if "/" in include and first in PROJECT_FOLDERS else None


def includes_of(text):
    """Yields (line number, bracket, path) for each include directive outside block comments."""
    text = BLOCK_COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def allowed_for(folder, name):
    """The folders that the file `name` in `folder` may include; None if all."""
    for subfolder, allowed in ALLOWED_SUBFOLDERS.items():
        if name.as_posix().startswith(subfolder + "/"):
            return allowed
    return ALLOWED_FOLDERS[folder]


def breach_of(folder, name, bracket, include):
    """Says what is wrong with one include of the file `name` in `folder`; None if nothing is."""
    if include.startswith(".") or "/../" in include:
        return "include from the root of the repository, not by a relative path"
    target = folder_of(include)
    if target is not None:
        if target == folder:
            return None
        allowed = allowed_for(folder, name)
        if target in CONSUMERS_ONLY and folder not in CONSUMERS_ONLY:
            return f"{folder}/ must not include from {target}/"
        if allowed is None or target in allowed:
            return None
        names = ", ".join(sorted(allowed)) or "nothing else of this repository"
        return f"{folder}/ must not include from {target}/; it may use {names}"
    if folder == "core":
        if include.startswith(CORE_LIBRARIES) or include in STANDARD_HEADERS:
            return None
        return "core/ includes the C++ standard library and Abseil only"
    if include.startswith(FORBIDDEN_LIBRARIES.get(folder, ())):
        return f"{folder}/ must not use this library"
    if bracket == '"' and "/" not in include:
        return "include from the root of the repository, with the folder's name"
    return None


def source_files(root):
    for folder in sorted(PROJECT_FOLDERS):
        top = root / folder
        for path in sorted(top.rglob("*")) if top.is_dir() else ():
            if path.suffix in (".h", ".cc", ".cpp", ".hpp") and path.is_file():
                yield folder, path


def check(root):
    """All breaches in the tree, as lines of text."""
    breaches = []
    for folder, path in source_files(root):
        name = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > MAX_LINES:
            breaches.append(f"{name}: {lines} lines; split it, {MAX_LINES} is the most")
        if folder == "proto":
            breaches.append(f"{name}: proto/ holds .proto files only")
            continue
        if path.suffix == ".h" and "#pragma once" not in text:
            breaches.append(f"{name}: a header begins with #pragma once")
        for number, bracket, include in includes_of(text):
            problem = breach_of(folder, name, bracket, include)
            if problem:
                breaches.append(f'{name}:{number}: "{include}": {problem}')
    return breaches


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: structure_check.py ROOT")
    root = pathlib.Path(sys.argv[1]).resolve()
    count = sum(1 for _ in source_files(root))
    if count == 0:
        sys.exit(f"structure_check: there are no sources under {root}")
    breaches = check(root)
    for breach in breaches:
        print(breach)
    if breaches:
        sys.exit(f"structure_check: {len(breaches)} breaches in {count} files")
    print(f"structure_check: {count} files, no breach")


if __name__ == "__main__":
    main()
