# SPDX-License-Identifier: Apache-2.0
# The register map of the accelerator, for the host and for the RTL, from its one source.
find_program(AWK awk REQUIRED)
set(source ${PROJECT_SOURCE_DIR}/rtl/registers.txt)
set(generator ${PROJECT_SOURCE_DIR}/rtl/registers.awk)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source} ${generator})
foreach(pair c/bnn_registers.h sv/bnn_registers.svh)
    string(REPLACE "/" ";" pair ${pair})
    list(GET pair 0 out)
    list(GET pair 1 name)
    execute_process(COMMAND ${AWK} -v out=${out} -f ${generator} ${source}
        OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/generated/${name} CONTENT "${text}")
endforeach()
