# Compiler, sanitizer and linker settings shared by every target of the project, carried by the
# interface target txtchat_options so that nothing leaks into generated or system code.

add_library(txtchat_options INTERFACE)
target_include_directories(txtchat_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(txtchat_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror
  # Designated initialisers leave the rest at its default: that is what they are for.
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees uninitialised members in moved std::variant alternatives where there are none.
  target_compile_options(txtchat_options INTERFACE -Wno-maybe-uninitialized)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(txtchat_options INTERFACE -Wthread-safety)
endif()

if(TXTCHAT_SANITIZE)
  # Applied to everything, generated code included: a half-instrumented binary reports ghosts.
  add_compile_options(-fsanitize=${TXTCHAT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TXTCHAT_SANITIZE})
endif()

if(TXTCHAT_SANITIZE MATCHES "thread")
  # Debian's Abseil and gRPC are not instrumented: these show what they order to ThreadSanitizer (the
  # files say how).
  add_library(txtchat_tsan_interposers OBJECT
    "${CMAKE_CURRENT_LIST_DIR}/tsan_abseil.cc" "${CMAKE_CURRENT_LIST_DIR}/tsan_grpc.cc")
  target_compile_options(txtchat_tsan_interposers PRIVATE -fno-sanitize=all)
  target_sources(txtchat_options INTERFACE $<TARGET_OBJECTS:txtchat_tsan_interposers>)
  add_link_options(-rdynamic)
endif()

find_program(TXTCHAT_CCACHE ccache)
if(TXTCHAT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${TXTCHAT_CCACHE}")
endif()

find_program(TXTCHAT_MOLD mold)
if(TXTCHAT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
