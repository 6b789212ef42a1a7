/* SPDX-License-Identifier: Apache-2.0
 *
 * The check sum of descriptors. */
#include "bnn_descriptor.h"

/* The CRC of each four-bit value: small enough to check by eye, fast enough for 60 bytes. */
static const uint32_t crc_of_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

uint32_t et__bnn_descriptor_crc(const struct et_bnn_descriptor *d)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 15; i++) {
        /* The bytes of a little-endian word in order, low nibbles first, are its nibbles. */
        crc ^= d->word[i];
        for (size_t nibble = 0; nibble < 8; nibble++)
            crc = crc >> 4 ^ crc_of_nibble[crc & 15];
    }
    return ~crc;
}

void et__bnn_descriptor_seal(struct et_bnn_descriptor *d)
{
    d->word[15] = et__bnn_descriptor_crc(d);
}
