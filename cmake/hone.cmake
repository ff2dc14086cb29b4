# Build rules shared by every room.

add_library(hone_flags INTERFACE)
target_include_directories(hone_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(hone_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                            -Werror=switch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 at -O3 reports both inside its own std::variant and std::string; the sanitizers watch for the real thing.
  target_compile_options(hone_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(HONE_WERROR)
  target_compile_options(hone_flags INTERFACE -Werror)
endif()
# Codecs and merges promise bytes: no silent fused multiply-add. Kernels ask for FMA by intrinsics.
target_compile_options(hone_flags INTERFACE -ffp-contract=off)
if(HONE_SANITIZE)
  target_compile_options(hone_flags INTERFACE -fsanitize=${HONE_SANITIZE} -fno-omit-frame-pointer
                                              -fno-sanitize-recover=all)
  target_link_options(hone_flags INTERFACE -fsanitize=${HONE_SANITIZE})
endif()

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
  if(HONE_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE hone_${name} GTest::gtest_main)
    target_compile_definitions(${name}_tests PRIVATE HONE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name}_tests)
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
endfunction()

# hone_fuzz(NAME file deps…): a libFuzzer target from fuzz/.
function(hone_fuzz name file)
  if(HONE_FUZZ)
    add_executable(fuzz_${name} ${file})
    target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()
