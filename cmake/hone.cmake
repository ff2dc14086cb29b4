# Build rules shared by every room.

add_library(hone_flags INTERFACE)
target_include_directories(hone_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(hone_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                            -Werror=switch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own std::variant and std::string; the sanitizers watch for the real thing.
  target_compile_options(hone_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                                              -Wno-array-bounds)
endif()
if(HONE_WERROR)
  target_compile_options(hone_flags INTERFACE -Werror)
endif()
# Codecs and merges promise bytes: no silent fused multiply-add. Kernels ask for FMA by intrinsics.
target_compile_options(hone_flags INTERFACE -ffp-contract=off)
if(HONE_SANITIZE)
  target_compile_definitions(hone_flags INTERFACE HONE_SANITIZED=1)
  target_compile_options(hone_flags INTERFACE -fsanitize=${HONE_SANITIZE} -fno-omit-frame-pointer
                                              -fno-sanitize-recover=all)
  target_link_options(hone_flags INTERFACE -fsanitize=${HONE_SANITIZE})
endif()

# Release builds read the heavy headers once. The other presets do not, so that every file still proves to include
# what it uses. ccache needs to be told to trust a precompiled header.
function(hone_precompile target)
  if(HONE_PCH)
    target_precompile_headers(${target} ${ARGN})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE -fpch-preprocess)
    endif()
  endif()
endfunction()
set(HONE_COMMON_HEADERS <fmt/format.h> <nlohmann/json.hpp> <algorithm> <filesystem> <functional> <memory> <optional>
                        <span> <string> <vector>)
if(HONE_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp "// Carries the precompiled header.\n")
  file(WRITE ${CMAKE_BINARY_DIR}/pch/main.cpp "int main() { return 0; }\n")
  add_library(hone_pch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cpp)
  target_link_libraries(hone_pch PRIVATE hone_flags fmt::fmt nlohmann_json::nlohmann_json)
  hone_precompile(hone_pch PRIVATE ${HONE_COMMON_HEADERS})
  if(HONE_TESTS)
    add_executable(hone_test_pch ${CMAKE_BINARY_DIR}/pch/main.cpp)
    target_link_libraries(hone_test_pch PRIVATE hone_flags fmt::fmt nlohmann_json::nlohmann_json GTest::gtest)
    hone_precompile(hone_test_pch PRIVATE ${HONE_COMMON_HEADERS} <gtest/gtest.h>)
  endif()
endif()
# Rooms whose files are hot loops: -O3, and no JSON to precompile.
set(HONE_HOT_ROOMS cpu formats kernels ops nn)

# hone_room(NAME deps…): a static library from this folder's sources (sub-folders included) and, when there
# are *_test.cpp files beside them, one test program registered with CTest.
function(hone_room name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  if(NOT sources)
    message(FATAL_ERROR "room ${name} has no sources")
  endif()
  add_library(hone_${name} STATIC ${sources})
  target_link_libraries(hone_${name} PUBLIC hone_flags ${ARGN})
  if(name IN_LIST HONE_HOT_ROOMS)
    target_compile_options(hone_${name} PRIVATE $<$<CONFIG:Release>:-O3>)
  elseif(NOT name STREQUAL "base")
    hone_precompile(hone_${name} REUSE_FROM hone_pch)
  endif()
  if(HONE_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE hone_${name} GTest::gtest_main)
    target_compile_definitions(${name}_tests PRIVATE HONE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
    hone_precompile(${name}_tests REUSE_FROM hone_test_pch)
    add_test(NAME ${name} COMMAND ${name}_tests)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
endfunction()
