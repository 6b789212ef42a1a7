# SPDX-License-Identifier: Apache-2.0
# et_add_cli_test(topic): tests/cli/test_<topic>.sh, with the program as its argument, becomes the
# ctest cli-<topic>.
function(et_add_cli_test topic)
    add_test(NAME cli-${topic}
        COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_${topic}.sh $<TARGET_FILE:etalon>)
    set_tests_properties(cli-${topic} PROPERTIES LABELS cli TIMEOUT 600 SKIP_RETURN_CODE 77)
endfunction()
