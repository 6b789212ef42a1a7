/* SPDX-License-Identifier: Apache-2.0
 *
 * What Verilator's run-time library and its models call instead of printing and ending the
 * program.  The build includes this file first in all of them. */
#ifndef ETALON_COSIM_HOOKS_HPP
#define ETALON_COSIM_HOOKS_HPP

#include <stdexcept>

namespace et
{

/* An assertion of the design failed, or the run-time library gave up. */
struct model_failed : std::runtime_error {
    using runtime_error::runtime_error;
};

/* Keeps the text for the message of the failure that follows. */
int keep_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

} // namespace et

#define VL_PRINTF et::keep_text
#define VL_USER_FINISH
#define VL_USER_STOP
#define VL_USER_FATAL
#define VL_USER_WARN

#endif
