/* SPDX-License-Identifier: Apache-2.0
 *
 * A failing assertion prints its text and then calls vl_stop: the text is kept and thrown with it.
 */
#include "hooks.hpp"

#include <verilated.h>

#include <cstdarg>
#include <cstdio>
#include <string>

namespace et
{
namespace
{

/* Texts belong to the thread that runs the model. */
thread_local char kept[512];
thread_local size_t kept_length;

[[noreturn]] void fail(const char *file, int line, const char *what)
{
    std::string text = kept_length > 0 ? kept : what;
    kept_length = 0;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    if (text.find(file) == std::string::npos)
        text += std::string(" at ") + file + ":" + std::to_string(line);
    throw model_failed(text);
}

} // namespace

int keep_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t room = sizeof kept - kept_length;
    const int n = std::vsnprintf(kept + kept_length, room, format, arguments);
    va_end(arguments);
    if (n > 0) kept_length += static_cast<size_t>(n) < room ? static_cast<size_t>(n) : room - 1;
    return n;
}

} // namespace et

void vl_finish(const char *file, int line, const char *)
{
    et::fail(file, line, "the design called $finish");
}

void vl_stop(const char *file, int line, const char *)
{
    et::fail(file, line, "the design called $stop");
}

void vl_fatal(const char *file, int line, const char *, const char *message)
{
    et::fail(file, line, message);
}

void vl_warn(const char *, int, const char *, const char *) {}
