# A room is a folder of src/: one static library, and one test program from its *_test.cc files.
# Files named *_<isa>.cc are compiled with that rung's flags and no others; everything else is
# baseline x86-64.

add_library(skiff_flags INTERFACE)
target_compile_options(skiff_flags INTERFACE -Wall -Wextra $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> -Wnon-virtual-dtor
                       -ffp-contract=off -fno-math-errno -fno-trapping-math
                       # What a program or libskiff.so does not call is left out when it is linked.
                       -ffunction-sections -fdata-sections
                       # {.field = x} leaves the other fields at their defaults on purpose.
                       -Wno-missing-field-initializers)
# GCC 12 sees overlapping copies in "text" + std::to_string(n) where there are none (PR 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(skiff_flags INTERFACE -Wno-restrict)
  # In precompiled headers, which do not count as the system's, it also sees writes past the end of such texts.
  if(SKIFF_PCH)
    target_compile_options(skiff_flags INTERFACE -Wno-array-bounds -Wno-stringop-overflow)
  endif()
endif()
if(SKIFF_WERROR)
  target_compile_options(skiff_flags INTERFACE -Werror)
endif()
target_include_directories(skiff_flags INTERFACE ${PROJECT_SOURCE_DIR}/src
                           ${PROJECT_SOURCE_DIR}/include)

set(SKIFF_ISA_FLAGS_avx2 -mavx2 -mfma -mbmi2)
set(SKIFF_ISA_FLAGS_avx_vnni ${SKIFF_ISA_FLAGS_avx2} -mavxvnni)
set(SKIFF_ISA_FLAGS_avx512bw ${SKIFF_ISA_FLAGS_avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq)
# The AVX-512 intrinsics of GCC 12 themselves read what they declare undefined (PR 105593).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND SKIFF_ISA_FLAGS_avx512bw -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
# Tuned for no CPU in particular, GCC 12 keeps pointers in vector registers when it has no others left. They
# come back behind all the products that wait, and the next tile's addresses with them.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND SKIFF_ISA_FLAGS_avx512bw -mtune=skylake)
endif()
set(SKIFF_ISA_FLAGS_avx512_vnni ${SKIFF_ISA_FLAGS_avx512bw} -mavx512vnni)
set(SKIFF_ISA_FLAGS_amx ${SKIFF_ISA_FLAGS_avx512_vnni} -mamx-tile -mamx-int8)
# clang 14 takes minutes to instrument one file of unrolled kernels. Under sanitizers AVX2 keeps the address
# sanitizer alone, and the rungs above nothing: the guard pages of kernels_test watch them.
set(SKIFF_ISA_SANITIZE_avx2 $<$<CONFIG:Sanitize>:-fno-sanitize=undefined,fuzzer-no-link>)
foreach(isa avx_vnni avx512bw avx512_vnni amx)
  set(SKIFF_ISA_SANITIZE_${isa} $<$<CONFIG:Sanitize>:-fno-sanitize=all>)
endforeach()

function(skiff_set_isa_flags)
  foreach(file ${ARGN})
    foreach(isa avx2 avx_vnni avx512bw avx512_vnni amx)
      if(file MATCHES "_${isa}\\.cc$")
        # Their loops are unrolled by hand: -O3 makes the code larger, and no faster.
        set(level)
        if(file MATCHES "/depthwise_${isa}\\.cc$")
          set(level $<$<CONFIG:Release>:-O2>)
        endif()
        set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
                                    "${SKIFF_ISA_FLAGS_${isa}};${SKIFF_ISA_SANITIZE_${isa}};${level}"
                                    SKIP_PRECOMPILE_HEADERS ON)
      endif()
    endforeach()
  endforeach()
endfunction()

set(SKIFF_STANDARD_HEADERS <algorithm> <array> <charconv> <cmath> <cstring> <filesystem> <functional> <limits> <map>
                           <memory> <optional> <set> <span> <sstream> <string> <string_view> <unordered_map>
                           <utility> <vector>)

# A target's files are compiled with these headers before them. The presets for clang go without, because ccache
# keeps nothing of clang's from one folder to the next, and so prove that each file includes what it needs. Targets with one `key` share what the first of them compiled:
# they have to be compiled with the same flags (-fPIC or -fPIE, the level of optimisation).
function(skiff_precompile target key)
  get_target_property(libraries ${target} LINK_LIBRARIES)
  # oneDNN brings -fopenmp, which a precompiled header has to be compiled with too; its files are few.
  if(NOT SKIFF_PCH OR dep_onednn IN_LIST libraries)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY SKIFF_HEADERS_${key})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${SKIFF_STANDARD_HEADERS} ${ARGN})
    set_property(GLOBAL PROPERTY SKIFF_HEADERS_${key} ${target})
  endif()
endfunction()

# Rooms that a release optimises at another level than -O2.
function(skiff_optimise level)
  list(TRANSFORM ARGN PREPEND skiff_)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:${level}>)
    set_target_properties(${target} PROPERTIES SKIFF_LEVEL ${level})
  endforeach()
endfunction()

# Once all rooms are there and their levels are known. Kernels include little.
function(skiff_precompile_rooms)
  get_property(rooms GLOBAL PROPERTY SKIFF_ROOMS)
  list(REMOVE_ITEM rooms skiff_kernels)
  foreach(room ${rooms})
    get_target_property(level ${room} SKIFF_LEVEL)
    skiff_precompile(${room} room${level})
  endforeach()
endfunction()

function(skiff_add_room name sources tests)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  skiff_set_isa_flags(${sources})
  list(TRANSFORM ARG_DEPENDS PREPEND skiff_)
  if(sources)
    add_library(skiff_${name} STATIC ${sources})
    target_link_libraries(skiff_${name} PUBLIC skiff_flags ${ARG_DEPENDS} PRIVATE ${ARG_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY SKIFF_ROOMS skiff_${name})
    if(name STREQUAL base)
      target_link_libraries(skiff_base PUBLIC Threads::Threads)
    endif()
  else()
    add_library(skiff_${name} INTERFACE)
    target_link_libraries(skiff_${name} INTERFACE skiff_flags ${ARG_DEPENDS})
  endif()
  if(SKIFF_TESTS AND tests)
    skiff_add_test(${name}_test "${tests}" LIBRARIES skiff_${name} ${ARG_LIBRARIES})
  endif()
endfunction()

# AS_USER: compiled without the flags of this project.
function(skiff_add_test name tests)
  cmake_parse_arguments(ARG "AS_USER" "" "LIBRARIES" ${ARGN})
  add_executable(${name} ${tests})
  # The code of tests need not be fast, and compiles in half the time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release,Sanitize>:-O0>)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gtest GTest::gtest_main
                        GTest::gmock)
  target_compile_definitions(${name} PRIVATE SKIFF_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_AS_USER)
    skiff_precompile(${name} test <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endfunction()

function(skiff_room name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  skiff_add_room(${name} "${sources}" "${tests}" ${ARGN})
  # Benchmarks are built when asked for by name.
  file(GLOB_RECURSE benches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*_bench.cc)
  foreach(file ${benches})
    get_filename_component(bench ${file} NAME_WE)
    add_executable(${bench} EXCLUDE_FROM_ALL ${file})
    target_link_libraries(${bench} PRIVATE skiff_${name})
  endforeach()
endfunction()

# The room of operators: the registry is generated from the folders that are there.
function(skiff_ops_room name)
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/src/${name}/*)
  set(declarations "")
  set(calls "")
  set(count 0)
  foreach(folder ${folders})
    get_filename_component(op ${folder} NAME)
    if(IS_DIRECTORY ${folder} AND EXISTS ${folder}/${op}.cc)
      string(APPEND declarations "std::span<const OpDef> ${op}_ops();\n")
      string(APPEND calls "      {\"${op}\", ${op}_ops},\n")
      math(EXPR count "${count} + 1")
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/op_table.cc @ONLY CONTENT
"// Generated from the folders of src/ops by cmake/rooms.cmake.
#include \"ops/op_table.h\"

#include <array>

namespace skiff::ops {

@declarations@
std::span<const OpFolder> OpFolders() {
  static constexpr std::array<OpFolder, @count@> kFolders = {{
@calls@  }};
  return kFolders;
}

}  // namespace skiff::ops
")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  list(APPEND sources ${PROJECT_BINARY_DIR}/op_table.cc)
  skiff_add_room(${name} "${sources}" "${tests}" ${ARGN})
endfunction()

function(skiff_executable name folder)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$")
  list(TRANSFORM ARG_DEPENDS PREPEND skiff_)
  if(sources)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} ${ARG_LIBRARIES})
    skiff_precompile(${name} program <fmt/format.h> <nlohmann/json.hpp>)
    target_compile_definitions(${name} PRIVATE SKIFF_VERSION="${PROJECT_VERSION}")
  endif()
endfunction()

# One program for each folder of tests/ that has *_test.cc files.
function(skiff_cross_room_tests root)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  list(TRANSFORM ARG_DEPENDS PREPEND skiff_)
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/${root}/*)
  foreach(folder ${folders})
    file(GLOB tests CONFIGURE_DEPENDS ${folder}/*_test.cc)
    get_filename_component(test ${folder} NAME)
    if(tests AND test MATCHES "^(api|threads)$")
      # As a user has it: the installed headers and the shared library.
      skiff_add_test(${root}_${test} "${tests}" AS_USER LIBRARIES skiff_paddle_inference Threads::Threads)
      target_include_directories(${root}_${test} PRIVATE ${PROJECT_SOURCE_DIR})
      target_compile_options(${root}_${test} PRIVATE -Wall -Wextra)
    elseif(tests)
      skiff_add_test(${root}_${test} "${tests}" LIBRARIES ${ARG_DEPENDS} fmt::fmt
                     nlohmann_json::nlohmann_json)
      if(test STREQUAL cli)
        target_compile_definitions(${root}_cli PRIVATE SKIFF_BINARY="$<TARGET_FILE:skiff>")
        add_dependencies(${root}_cli skiff)
      endif()
    endif()
  endforeach()
endfunction()

# tests/fuzz/fuzz_<name>.cc, linked with the rooms that it calls. The target `fuzz` builds them all.
function(skiff_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  list(TRANSFORM ARG_DEPENDS PREPEND skiff_)
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_DEPENDS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz fuzz_${name})
endfunction()

# The fuzz targets of tests/fuzz and the program that writes their first inputs.
function(skiff_fuzz)
  add_executable(fuzz_seeds EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_seeds.cc)
  target_link_libraries(fuzz_seeds PRIVATE skiff_formats)
  target_compile_definitions(fuzz_seeds PRIVATE SKIFF_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_custom_target(fuzz DEPENDS fuzz_seeds)

  # The command line, without its main.
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$|_(test|bench)\\.cc$")
  add_library(skiff_fuzz_cli STATIC EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(skiff_fuzz_cli PUBLIC skiff_session skiff_quant skiff_imaging dep_cli)
  target_compile_definitions(skiff_fuzz_cli PRIVATE SKIFF_VERSION="${PROJECT_VERSION}")
  # Optimising it would take longer than it is run.
  target_compile_options(skiff_fuzz_cli PRIVATE -O0)

  foreach(reader calibration npy npz params program tensor)
    skiff_fuzz_target(${reader} DEPENDS formats)
  endforeach()
  skiff_fuzz_target(picture DEPENDS imaging)
  skiff_fuzz_target(model DEPENDS session)
  skiff_fuzz_target(command_line DEPENDS fuzz_cli)
  skiff_fuzz_target(text_files DEPENDS fuzz_cli)
endfunction()

# The programs of bench/, built when asked for by name.
function(skiff_bench_programs)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/roofline/*.cc)
  skiff_set_isa_flags(${sources})
  add_executable(roofline EXCLUDE_FROM_ALL ${sources})
  target_include_directories(roofline PRIVATE ${PROJECT_SOURCE_DIR}/bench)
  target_link_libraries(roofline PRIVATE skiff_base)
  add_executable(onednn_layers EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/onednn_layers.cc)
  target_link_libraries(onednn_layers PRIVATE skiff_flags dep_onednn)
endfunction()
