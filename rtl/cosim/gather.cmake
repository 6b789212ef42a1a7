# SPDX-License-Identifier: Apache-2.0
# cmake -DDIR=FOLDER -DPREFIX=Vname -P gather.cmake: what Verilator wrote to FOLDER as two files,
# the code of every cycle and the code of the start.
include(${DIR}/${PREFIX}.cmake)
foreach(speed fast slow)
    string(TOUPPER ${speed} upper)
    set(text "/* Generated: files of Verilator. */\n")
    foreach(file ${${PREFIX}_CLASSES_${upper}} ${${PREFIX}_SUPPORT_${upper}})
        get_filename_component(file ${file} NAME)
        string(APPEND text "#include \"${file}\"\n")
    endforeach()
    file(WRITE ${DIR}/${PREFIX}_${speed}.cpp "${text}")
endforeach()
