# Every external library, found once. All are Debian 12 packages (docker/packages-build.txt).

set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ICU 72 REQUIRED COMPONENTS uc i18n)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)

# Debian ships CLI11 and nlohmann-json as headers.
find_path(CLI11_INCLUDE_DIR CLI/CLI.hpp REQUIRED)
find_path(NLOHMANN_JSON_INCLUDE_DIR nlohmann/json.hpp REQUIRED)

add_library(txtchat_asio INTERFACE)
target_link_libraries(txtchat_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(txtchat_asio INTERFACE
  BOOST_ASIO_NO_DEPRECATED)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TXTCHAT_SANITIZE MATCHES "thread")
  # Asio's fences around handlers are beside its mutexes, which ThreadSanitizer does understand.
  target_compile_options(txtchat_asio INTERFACE -Wno-tsan)
endif()

if(TXTCHAT_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
