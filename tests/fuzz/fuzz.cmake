# SPDX-License-Identifier: Apache-2.0
# et_add_fuzz(name): tests/fuzz/fuzz_<name>.c defines LLVMFuzzerTestOneInput for one reader; its
# corpus lies in tests/fuzz/corpus/<name>/.  With ETALON_FUZZ it becomes the libFuzzer program
# fuzz_<name> (target `fuzzers` builds all of them, tests/fuzz/run.sh runs them).  In every other
# build the corpus is replayed once by the ctest unit-fuzz_<name>.
if(ETALON_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "ETALON_FUZZ needs clang: cmake --preset fuzz")
    endif()
    add_custom_target(fuzzers)
endif()

function(et_add_fuzz name)
    set(target fuzz_${name})
    if(ETALON_FUZZ)
        add_executable(${target} fuzz/fuzz_${name}.c)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE
            RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
        add_dependencies(fuzzers ${target})
    elseif(ETALON_TESTS)
        add_executable(${target} fuzz/fuzz_${name}.c fuzz/replay.c)
        add_test(NAME unit-${target}
            COMMAND ${target} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name}
            WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(unit-${target} PROPERTIES LABELS "unit;fuzz" TIMEOUT 120)
    endif()
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE etalon_static etalon_flags)
endfunction()

# One line per reader.
et_add_fuzz(config)
et_add_fuzz(csv)
et_add_fuzz(idx)
et_add_fuzz(store)
target_link_libraries(fuzz_store PRIVATE etalon_hdf5)
et_add_fuzz(pairs)
et_add_fuzz(npy)
et_add_fuzz(nir)
et_add_fuzz(nir_data)
et_add_fuzz(aer)
