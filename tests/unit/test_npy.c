/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of .npy matrices: every format that it takes, and why it refuses others. */
#include "sim/medium/npy.h"

#include <etalon/array.h>

#include "close.h"
#include <stdio.h>
#include <string.h>

static unsigned char bytes[4096];

/* A file of version 1 with any header; data follows.  Returns its size. */
static size_t make(const char *header, const void *data, size_t n)
{
    size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (unsigned char)(length & 0xff);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    if (n > 0) memcpy(bytes + 10 + length, data, n);
    return 10 + length + n;
}

static void expect(size_t size)
{
    struct et__npy npy = {0};
    assert_ok(et__npy_parse("t.npy", bytes, size, &npy));
    ck_assert(npy.rows == 2 && npy.columns == 3);
    for (size_t i = 0; i < 6; i++)
        ck_assert(npy.data[i] == CMPLX((double)i, 10 + (double)i));
    et_free(npy.data);
}

START_TEST(test_formats)
{
    float single[12], pairs[12], by_columns[12], apart[12];
    double twice[12];
    for (size_t i = 0; i < 6; i++) {
        size_t at = i % 3 * 2 + i / 3;
        float re = (float)i, im = 10 + (float)i;
        single[2 * i] = pairs[2 * i] = re;
        single[2 * i + 1] = pairs[2 * i + 1] = im;
        twice[2 * i] = (double)re;
        twice[2 * i + 1] = (double)im;
        by_columns[2 * at] = apart[at] = re;
        by_columns[2 * at + 1] = apart[6 + at] = im;
    }
    expect(make("{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }   \n", single, 48));
    expect(make("{'descr': '<c16', 'fortran_order': False, 'shape': (2, 3), }\n", twice, 96));
    expect(make("{'shape':(2,3,2),'fortran_order':False,'descr':'<f4'}", pairs, 48));
    expect(make("{'descr': '<c8', 'fortran_order': True, 'shape': (2, 3), }", by_columns, 48));
    expect(make("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 2), }", apart, 48));
}
END_TEST

static void refuse(size_t size, const char *why)
{
    struct et__npy npy = {0};
    assert_status(et__npy_parse("t.npy", bytes, size, &npy), ET_FORMAT);
    assert_message("t.npy: ");
    assert_message(why);
    ck_assert_ptr_null(npy.data);
}

START_TEST(test_refusals)
{
    static const char good[] = "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2), }";
    float data[4] = {1, 2, 3, 4};
    size_t size = make(good, data, 16);
    for (size_t cut = 0; cut < size; cut++)
        refuse(cut, cut < 10          ? "not an .npy file"
                    : cut < size - 16 ? "ends in its header"
                                      : "bytes are not 1 x 2 numbers of 8 bytes");
    bytes[6] = 4;
    refuse(size, "version 4 is not 1, 2 or 3");
    refuse(make(good, data, 15), "15 bytes are not 1 x 2 numbers");
    data[3] = NAN;
    refuse(make(good, data, 16), "element [0][1] is 3+nani");
    refuse(make("{'descr': '>c8', 'fortran_order': False, 'shape': (1, 2), }", data, 16),
           "numbers '>c8' are not");
    refuse(make("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", data, 16),
           "rank 1 of '<c8'");
    refuse(make("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", data, 16),
           "rank 2 of '<f8'");
    refuse(make("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 3), }", data, 12),
           "last axis of 2");
    refuse(make("{'descr': '<c8', 'fortran_order': False, 'shape': (0, 2), }", data, 0),
           "0 bytes are not 0 x 2");
    static const char *const broken[] = {
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2), 'more': 1}",
        "{'descr': '<c8', 'fortran_order': False}",
        "{'descr': '<c8', 'descr': '<c8', 'fortran_order': False, 'shape': (1, 2), }",
        "{'descr': '<c8', 'fortran_order': 0, 'shape': (1, 2), }",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2, 3, 4), }",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 99999999999999999999999), }",
        "{'descr': '<c8 and more', 'fortran_order': False, 'shape': (1, 2), }",
        "{'descr': [('r', '<f4')], 'fortran_order': False, 'shape': (1, 2), }",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2), } extra",
        ""};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        refuse(make(broken[i], data, 16), "not a dictionary of descr, fortran_order and a shape");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_formats);
    tcase_add_test(all, test_refusals);
    suite_add_tcase(suite, all);
    return suite_result(suite);
}
