#!/usr/bin/env python3
"""The check itself, on made-up trees: each kind of breach is found, and good code passes."""

import pathlib
import tempfile
import unittest

import structure_check


class StructureCheck(unittest.TestCase):
    def breaches(self, tree):
        """Checks a made-up tree, given as {path: text}."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in tree.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return structure_check.check(root)

    def assert_good(self, name, include):
        self.assertEqual(self.breaches(tree={name: f"#pragma once\n#include {include}\n"}), [])

    def assert_breach(self, name, include, said):
        found = self.breaches(tree={name: f"#pragma once\n#include {include}\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{name}:2:", found[0])
        self.assertIn(said, found[0])

    def test_accepts_what_each_floor_may_include(self):
        for name, include in {
            "core/a.h": '"core/b.h"',
            "core/b.h": '"absl/status/status.h"',
            "core/c.h": "<shared_mutex>",
            "storage/a.h": '"core/a.h"',
            "storage/b.h": "<sqlite3.h>",
            "identity/a.h": '"core/a.h"',
            "identity/b.cc": "<openssl/evp.h>",
            "gateway/a.h": "<boost/asio.hpp>",
            "gateway/b.cc": "<sys/socket.h>",
            "grpc-service/a.h": '"txtchat/v1/chat.grpc.pb.h"',
            "grpc-service/b.h": "<grpcpp/server.h>",
            "server/a.cc": '"grpc-service/a.h"',
            "server/b.cc": '"gateway/a.h"',
            "client/a.cc": '"txtchat/v1/chat.pb.h"',
            "tests/gateway/a.cc": '"tests/testing/clock.h"',
            "tests/e2e/a.cc": '"server/a.h"',
            "fuzz/a.cc": '"gateway/a.h"',
            "bench/a.cc": '"txtchat/v1/chat.pb.h"',
            "bench/micro/a.cc": '"core/a.h"',
            "bench/micro/b.cc": '"gateway/a.h"',
        }.items():
            with self.subTest(file=name, include=include):
                self.assert_good(name, include)

    def test_finds_floors_of_one_level_including_each_other(self):
        floor_one = ("storage", "identity", "gateway", "grpc-service", "cluster")
        for folder in floor_one:
            for other in floor_one:
                if folder != other:
                    with self.subTest(folder=folder, other=other):
                        self.assert_breach(f"{folder}/a.h", f'"{other}/b.h"', f"from {other}/")

    def test_finds_a_lower_floor_including_a_higher_one(self):
        for folder in ("storage", "identity", "gateway", "grpc-service", "cluster", "server", "client"):
            with self.subTest(folder=folder):
                self.assert_breach("core/a.h", f'"{folder}/b.h"', f"from {folder}/")
        for folder in ("storage", "identity", "gateway", "grpc-service", "cluster"):
            with self.subTest(folder=folder):
                self.assert_breach(f"{folder}/a.h", '"server/b.h"', "from server/")

    def test_finds_core_using_anything_but_std_and_abseil(self):
        for include in (
            "<unistd.h>",
            "<sys/socket.h>",
            "<pthread.h>",
            "<stdint.h>",
            "<boost/asio.hpp>",
            "<grpcpp/grpcpp.h>",
            "<google/protobuf/message.h>",
            "<sqlite3.h>",
            "<spdlog/spdlog.h>",
            "<sodium.h>",
        ):
            with self.subTest(include=include):
                self.assert_breach("core/a.h", include, "Abseil only")

    def test_finds_core_using_the_generated_api(self):
        self.assert_breach("core/a.h", '"txtchat/v1/chat.pb.h"', "from proto/")

    def test_finds_a_transport_in_the_store_and_in_the_other_transport(self):
        self.assert_breach("storage/a.h", "<boost/asio.hpp>", "must not use this library")
        self.assert_breach("storage/a.h", "<grpcpp/grpcpp.h>", "must not use this library")
        self.assert_breach("gateway/a.h", "<grpcpp/grpcpp.h>", "must not use this library")
        self.assert_breach("identity/a.h", "<sqlite3.h>", "must not use this library")
        self.assert_breach("gateway/a.h", "<google/protobuf/message.h>", "must not use this")
        self.assert_breach("grpc-service/a.h", "<boost/asio.hpp>", "must not use this library")
        self.assert_breach("grpc-service/a.h", "<sqlite3.h>", "must not use this library")

    def test_finds_the_client_using_the_server_side(self):
        for folder in ("core", "storage", "identity", "gateway", "grpc-service", "server"):
            with self.subTest(folder=folder):
                self.assert_breach("client/a.cc", f'"{folder}/b.h"', f"from {folder}/")

    def test_finds_the_load_tool_using_the_server_side(self):
        for folder in ("core", "storage", "identity", "gateway", "grpc-service", "server", "client"):
            with self.subTest(folder=folder):
                self.assert_breach("bench/a.h", f'"{folder}/b.h"', f"from {folder}/")
        self.assert_breach("bench/micro/a.h", '"server/b.h"', "from server/")
        self.assert_breach("bench/microscope/a.h", '"core/b.h"', "from core/")

    def test_finds_production_code_including_tests(self):
        for folder in ("core", "gateway", "server", "client"):
            for other in ("tests", "bench", "fuzz"):
                with self.subTest(folder=folder, other=other):
                    self.assert_breach(f"{folder}/a.h", f'"{other}/b.h"', f"from {other}/")

    def test_finds_relative_includes_and_bare_names(self):
        self.assert_breach("gateway/a.h", '"../core/b.h"', "relative path")
        self.assert_breach("gateway/a.h", '"./b.h"', "relative path")
        self.assert_breach("gateway/a.h", '"core/../server/b.h"', "relative path")
        self.assert_breach("gateway/a.h", '"b.h"', "folder's name")

    def test_finds_includes_however_they_are_spaced(self):
        for line in ('#  include "server/b.h"', '  #include   <server/b.h>', '#include"server/b.h"'):
            with self.subTest(line=line):
                found = self.breaches(tree={"core/a.cc": line + "\n"})
                self.assertEqual(len(found), 1, found)

    def test_ignores_includes_in_comments(self):
        text = '// #include "server/b.h"\n/*\n#include "server/b.h"\n*/\n'
        self.assertEqual(self.breaches(tree={"core/a.cc": text}), [])

    def test_finds_a_header_without_a_guard(self):
        found = self.breaches(tree={"core/a.h": "int x;\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn("#pragma once", found[0])

    def test_finds_a_file_that_is_too_long(self):
        most = structure_check.MAX_LINES
        self.assertEqual(self.breaches(tree={"core/a.cc": "\n" * most}), [])
        found = self.breaches(tree={"core/a.cc": "\n" * (most + 1)})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{most + 1} lines", found[0])

    def test_finds_breaches_in_folders_below(self):
        found = self.breaches(tree={"gateway/codec/a.cc": '#include "storage/b.h"\n'})
        self.assertEqual(len(found), 1, found)

    def test_finds_generated_code_in_proto(self):
        found = self.breaches(tree={"proto/txtchat/v1/chat.pb.h": "#pragma once\n"})
        self.assertEqual(len(found), 1, found)


if __name__ == "__main__":
    unittest.main()
