/* SPDX-License-Identifier: Apache-2.0 */
#include "options.hpp"

#include <cerrno>
#include <cstdlib>

namespace et
{
namespace
{

const char names[] =
    "config, seed, latency, stall, trace, wait_cycles, hang_after, hang_cycles, slverr";

/* Digits, decimal or 0x hexadecimal; *end is left behind them. */
bool number(const char *text, const char **end, uint64_t &to)
{
    if (*text < '0' || *text > '9') return false;
    const int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    char *stop = nullptr;
    errno = 0;
    to = std::strtoull(text, &stop, base);
    *end = stop;
    return errno == 0;
}

et_status whole(const std::string &name, const std::string &value, uint64_t &to)
{
    const char *end = nullptr;
    if (!number(value.c_str(), &end, to) || *end != '\0')
        return et_error_set(ET_CONFIG, "verilator: %s=%s is no whole number", name.c_str(),
                            value.c_str());
    return ET_OK;
}

/* FIRST-LAST, or with one_is_range a single number. */
et_status range(const std::string &name, const std::string &value, bool one_is_range,
                uint64_t &first, uint64_t &last)
{
    const char *end = nullptr;
    bool good = number(value.c_str(), &end, first);
    if (good && *end == '\0' && one_is_range) {
        last = first;
        return ET_OK;
    }
    good = good && *end == '-' && number(end + 1, &end, last) && *end == '\0' && first <= last;
    if (!good)
        return et_error_set(ET_CONFIG, "verilator: %s=%s is not %sFIRST-LAST", name.c_str(),
                            value.c_str(), one_is_range ? "a number or " : "");
    return ET_OK;
}

et_status probability(const std::string &name, const std::string &value, double &to)
{
    char *end = nullptr;
    to = std::strtod(value.c_str(), &end);
    if (end == value.c_str() || *end != '\0' || !(to >= 0 && to <= 0.95))
        return et_error_set(ET_CONFIG, "verilator: %s=%s is not a probability from 0 to 0.95",
                            name.c_str(), value.c_str());
    return ET_OK;
}

et_status take(const std::string &name, const std::string &value, options &to)
{
    enum : uint64_t { LONGEST_LATENCY = 100000 };
    if (name == "config") {
        to.config = value;
    } else if (name == "seed") {
        return whole(name, value, to.seed);
    } else if (name == "latency") {
        ET_TRY(range(name, value, true, to.latency_min, to.latency_max));
        if (to.latency_max > LONGEST_LATENCY)
            return et_error_set(ET_CONFIG, "verilator: latency=%s is more than %u cycles",
                                value.c_str(), unsigned{LONGEST_LATENCY});
    } else if (name == "stall") {
        return probability(name, value, to.stall);
    } else if (name == "trace") {
        to.trace = value;
    } else if (name == "wait_cycles") {
        return whole(name, value, to.wait_cycles);
    } else if (name == "hang_after") {
        return whole(name, value, to.hang_after);
    } else if (name == "hang_cycles") {
        return whole(name, value, to.hang_cycles);
    } else if (name == "slverr") {
        return range(name, value, false, to.slverr_first, to.slverr_last);
    } else {
        return et_error_set(ET_CONFIG, "verilator: there is no option '%s' (known: %s)",
                            name.c_str(), names);
    }
    return ET_OK;
}

} // namespace

et_status parse_options(const char *address, options &to)
{
    std::string rest = address;
    while (!rest.empty()) {
        const size_t comma = rest.find(',');
        const std::string item = rest.substr(0, comma);
        rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
        const size_t equals = item.find('=');
        if (equals == std::string::npos)
            return et_error_set(ET_CONFIG, "verilator: '%s' is not OPTION=VALUE (options: %s)",
                                item.c_str(), names);
        ET_TRY(take(item.substr(0, equals), item.substr(equals + 1), to));
    }
    return ET_OK;
}

} // namespace et
