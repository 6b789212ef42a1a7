/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields and check sums of the accelerator's descriptors. */
#include "hw/bnn_descriptor.h"

#include <string.h>

#include "close.h"

/* The definition: reflected polynomial, one bit at a time. */
static uint32_t crc_by_bits(const unsigned char *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
    }
    return ~crc;
}

START_TEST(the_check_sum_is_crc_32)
{
    ck_assert_uint_eq(crc_by_bits((const unsigned char *)"123456789", 9), 0xcbf43926U);
    struct et_bnn_descriptor d = {{0}};
    unsigned char bytes[64];
    for (uint32_t i = 0; i < 100; i++) {
        d.word[i % 15] += 0x9e3779b9U * (i + 1);
        for (size_t k = 0; k < 64; k++)
            bytes[k] = (unsigned char)(d.word[k / 4] >> k % 4 * 8);
        ck_assert_uint_eq(et__bnn_descriptor_crc(&d), crc_by_bits(bytes, 60));
    }
    et__bnn_descriptor_seal(&d);
    ck_assert_uint_eq(d.word[15], et__bnn_descriptor_crc(&d));
    d.word[3] ^= 1;
    ck_assert_uint_ne(d.word[15], et__bnn_descriptor_crc(&d));
}
END_TEST

START_TEST(fields_do_not_touch_their_neighbours)
{
    /* All bits set, each field in turn set to 0: exactly its bits go. */
#define X(operation, name)                                                                         \
    do {                                                                                           \
        struct et__bnn_field field = ET__BNN_##operation##_##name;                                 \
        struct et_bnn_descriptor d;                                                                \
        memset(&d, 0xff, sizeof d);                                                                \
        et__bnn_set(&d, field, 0);                                                                 \
        ck_assert_uint_eq(et__bnn_get(&d, field), 0);                                              \
        ck_assert_int_eq(__builtin_popcount(d.word[field.word]), 32 - field.width);                \
        et__bnn_set(&d, field, et__bnn_field_mask(field));                                         \
        ck_assert_uint_eq(d.word[field.word], UINT32_MAX);                                         \
    } while (0);
    ET__BNN_FIELDS(X)
#undef X
}
END_TEST

START_TEST(addresses_have_64_bits)
{
    struct et_bnn_descriptor d = {{0}};
    et__bnn_set_address(&d, ET__BNN_STORE_ADDRESS_LO, UINT64_C(0x123456789abcdef0));
    ck_assert_uint_eq(et__bnn_get(&d, ET__BNN_STORE_ADDRESS_LO), 0x9abcdef0);
    ck_assert_uint_eq(et__bnn_get(&d, ET__BNN_STORE_ADDRESS_HI), 0x12345678);
    ck_assert_uint_eq(et__bnn_get_address(&d, ET__BNN_STORE_ADDRESS_LO),
                      UINT64_C(0x123456789abcdef0));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_check_sum_is_crc_32,
        fields_do_not_touch_their_neighbours,
        addresses_have_64_bits,
    };
    Suite *suite = suite_create("bnn_descriptor");
    TCase *tcase = tcase_create("bnn_descriptor");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
