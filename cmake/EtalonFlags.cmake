# SPDX-License-Identifier: Apache-2.0
# Compiler flags of the project's own code: etalon_flags is linked PRIVATE, never installed.
add_library(etalon_flags INTERFACE)
target_compile_options(etalon_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wundef -Wvla-larger-than=1 -Wformat=2 -Werror
    # Same bits whatever the optimiser feels like: no contraction into FMA, no fast-math.
    -ffp-contract=off -fno-math-errno)
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # clang has no size argument for this warning; pointer-to-VLA casts are harmless.
    target_compile_options(etalon_flags INTERFACE -Wno-unknown-warning-option -Wno-vla)
endif()
target_compile_definitions(etalon_flags INTERFACE _GNU_SOURCE)

# The same for the C++ of rtl/cosim.
add_library(etalon_cxx_flags INTERFACE)
target_compile_options(etalon_cxx_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wformat=2 -Werror -ffp-contract=off)

# ET_VECTOR_CLONES marks a hot loop: compiled for several vector widths, chosen when the program
# starts.  Sanitizers dislike the resolver, which runs before they are set up.
set(ETALON_CLONES "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT ETALON_SANITIZE AND NOT ETALON_FUZZ
   AND NOT ETALON_COVERAGE)
    set(ETALON_CLONES "__attribute__((target_clones(\"arch=x86-64-v4\",\"arch=x86-64-v3\",\"default\")))")
endif()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/clones.h CONTENT
     "#define ET_VECTOR_CLONES @ETALON_CLONES@
/* glibc's <complex.h> defines these for gcc alone. */
#if defined __clang__ && !defined __cplusplus
# define CMPLX(x, y) __builtin_complex ((double) (x), (double) (y))
# define CMPLXF(x, y) __builtin_complex ((float) (x), (float) (y))
#endif
" @ONLY)
target_compile_options(etalon_flags INTERFACE -include ${PROJECT_BINARY_DIR}/generated/clones.h)
if(ETALON_SANITIZE)
    foreach(flags etalon_flags etalon_cxx_flags)
        target_compile_options(${flags} INTERFACE -fsanitize=${ETALON_SANITIZE}
            -fno-omit-frame-pointer -fno-sanitize-recover=all)
        target_link_options(${flags} INTERFACE -fsanitize=${ETALON_SANITIZE})
    endforeach()
    # The check of C++ types needs a library that a C compiler does not link.
    target_compile_options(etalon_cxx_flags INTERFACE -fno-sanitize=vptr)
endif()
if(ETALON_FUZZ)
    target_compile_options(etalon_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(ETALON_COVERAGE)
    target_compile_options(etalon_flags INTERFACE --coverage)
    target_link_options(etalon_flags INTERFACE --coverage)
endif()
