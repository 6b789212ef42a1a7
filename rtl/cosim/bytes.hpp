/* SPDX-License-Identifier: Apache-2.0
 *
 * A saved state as bytes.  Reading past the end throws: a state is checked as a whole before any
 * of it is believed. */
#ifndef ETALON_COSIM_BYTES_HPP
#define ETALON_COSIM_BYTES_HPP

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace et
{

struct bad_state : std::runtime_error {
    using runtime_error::runtime_error;
};

class byte_writer
{
  public:
    void raw(const void *from, size_t n)
    {
        const uint8_t *p = static_cast<const uint8_t *>(from);
        bytes.insert(bytes.end(), p, p + n);
    }
    template <class T> void put(const T &value)
    {
        static_assert(std::is_arithmetic<T>::value, "structures have padding");
        raw(&value, sizeof value);
    }
    void text(const std::string &value)
    {
        put(uint64_t{value.size()});
        raw(value.data(), value.size());
    }

    std::vector<uint8_t> bytes;
};

class byte_reader
{
  public:
    byte_reader(const uint8_t *from, size_t n) : at(from), left(n) {}
    void raw(void *to, size_t n)
    {
        if (n > left) throw bad_state("it ends early");
        std::memcpy(to, at, n);
        at += n;
        left -= n;
    }
    template <class T> T get()
    {
        T value;
        raw(&value, sizeof value);
        return value;
    }
    template <class T> void get(T &value)
    {
        value = get<T>();
    }
    std::string text()
    {
        const uint64_t n = get<uint64_t>();
        if (n > left) throw bad_state("it ends early");
        std::string value(reinterpret_cast<const char *>(at), n);
        at += n;
        left -= n;
        return value;
    }

    const uint8_t *at;
    size_t left;
};

} // namespace et
#endif
