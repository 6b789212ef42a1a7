/* SPDX-License-Identifier: Apache-2.0
 *
 * The table reader: fields, quotes, line ends, numbers, and every kind of bad text. */
#include "training/csv_table.h"

#include <locale.h>

#include "unit/data_folder.h"

static struct et__csv table;

static enum et_status parse(const char *text, char delimiter)
{
    return et__csv_parse("a.csv", text, strlen(text), delimiter, &table);
}

static void refused(const char *text, const char *message)
{
    assert_status(parse(text, ','), ET_FORMAT);
    assert_message(message);
    ck_assert_ptr_null(table.text);
}

START_TEST(fields_and_rows_come_back)
{
    assert_ok(parse("a,bc,\n1, 2\t,3\r\n\n  \n,,x y", ','));
    static const char *const want[] = {"a", "bc", "", "1", "2", "3", "", "", "x y"};
    ck_assert_uint_eq(table.rows, 3);
    ck_assert_uint_eq(table.cols, 3);
    for (size_t i = 0; i < 9; i++)
        ck_assert_str_eq(table.field[i], want[i]);
    static const size_t lines[] = {1, 2, 5};
    ck_assert_mem_eq(table.line, lines, sizeof lines);
    et__csv_destroy(&table);
}
END_TEST

START_TEST(quotes_protect)
{
    assert_ok(parse("\"a,b\",\"say \"\"x\"\"\"\n \"two\nlines\" ,\" b \"\nl,m", ','));
    static const char *const want[] = {"a,b", "say \"x\"", "two\nlines", " b ", "l", "m"};
    ck_assert_uint_eq(table.rows, 3);
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(table.field[i], want[i]);
    ck_assert_uint_eq(table.line[2], 4);
    et__csv_destroy(&table);
}
END_TEST

START_TEST(delimiters_and_byte_order_mark)
{
    assert_ok(parse("\xEF\xBB\xBFq;r,s\n1;2", ';'));
    ck_assert_str_eq(et__csv_field(&table, 0, 0), "q");
    ck_assert_str_eq(et__csv_field(&table, 0, 1), "r,s");
    et__csv_destroy(&table);
    assert_ok(parse("1\t\t3\n", '\t'));
    ck_assert_uint_eq(table.cols, 3);
    ck_assert_str_eq(et__csv_field(&table, 0, 1), "");
    et__csv_destroy(&table);
    assert_ok(parse("1 2 3\n", ' '));
    ck_assert_uint_eq(table.cols, 3);
    et__csv_destroy(&table);
}
END_TEST

START_TEST(bad_text_is_refused_with_its_line)
{
    refused("", "a.csv:1: the file has no row");
    refused("\n \r\n", "the file has no row");
    refused("1,2\n3,4\n5\n", "a.csv:3: 1 field, but the first line has 2");
    refused("1,2\n\n3,4,5\n", "a.csv:3: 3 fields, but the first line has 2");
    refused("1,\"2\n3,4\n", "a.csv:1: the quote that opens here is not closed");
    refused("1,2\n\"3\"x,4\n", "a.csv:2: text after a closing quote");
    assert_status(et__csv_parse("a.csv", "1,2\n3\0,4", 8, ',', &table), ET_FORMAT);
    assert_message("a.csv:2: a NUL byte");
}
END_TEST

START_TEST(header_is_recognised)
{
    static const struct {
        const char *text;
        bool header;
    } cases[] = {{",F,F\nw,1,2", true}, {"a,b\n1,2", true}, {"x,1\ny,2", false},
                 {"1e3,2\n1,2", false}, {"-.5\n1", false},  {"nan,0x1F\n1,2", true},
                 {"3d,4th\n1,2", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(parse(cases[i].text, ','));
        ck_assert_msg(et__csv_has_header(&table) == cases[i].header, "%s", cases[i].text);
        et__csv_destroy(&table);
    }
}
END_TEST

START_TEST(columns_are_found)
{
    size_t col;
    assert_ok(parse("a,2,c\n1,2,3", ','));
    ck_assert(et__csv_column(&table, true, "c", &col) && col == 2);
    ck_assert(et__csv_column(&table, true, "2", &col) && col == 1);
    ck_assert(et__csv_column(&table, false, "2", &col) && col == 2);
    ck_assert(et__csv_column(&table, true, "first", &col) && col == 0);
    ck_assert(et__csv_column(&table, true, "last", &col) && col == 2);
    static const char *const wrong[] = {"3", "d", "", "-1", "1x", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!et__csv_column(&table, true, wrong[i], &col), "%s", wrong[i]);
    ck_assert(!et__csv_column(&table, false, "a", &col));
    et__csv_destroy(&table);
}
END_TEST

static enum et_status numbers(const char *text, float *x, size_t n)
{
    static const size_t cols[] = {0, 1, 2};
    assert_ok(parse(text, ','));
    ck_assert_uint_le(table.rows * table.cols, n);
    enum et_status status =
        et__csv_numbers(&table, 0, cols, table.cols, et_view_of(x, table.rows, table.cols));
    et__csv_destroy(&table);
    return status;
}

START_TEST(numbers_come_back)
{
    float x[6];
    const float want[] = {1, -2.5F, 3e-2F, 4e10F, 0.125F, 7};
    assert_ok(numbers("1,-2.5,3e-2\n+4E+10,.125,7.\n", x, 6));
    ck_assert_mem_eq(x, want, sizeof want);
    /* A locale with a decimal comma changes nothing; not every system has one. */
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL) {
        assert_ok(numbers("1,-2.5,3e-2\n", x, 6));
        ck_assert_mem_eq(x, want, 3 * sizeof *want);
        setlocale(LC_NUMERIC, "C");
    }
}
END_TEST

START_TEST(bad_numbers_are_refused)
{
    float x[6];
    static const char *const wrong[] = {"",      "nan", "inf", "-inf", "0x10", "1e",
                                        "1.2.3", "1 2", "--1", "one",  ".",    "1e5f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64], want[64];
        snprintf(text, sizeof text, "1,2\n3,%s\n", wrong[i]);
        snprintf(want, sizeof want, "a.csv:2: column 1 holds \"%s\", not a number", wrong[i]);
        assert_status(numbers(text, x, 6), ET_FORMAT);
        assert_message(want);
    }
    assert_status(numbers("1,2\n3,1e39\n", x, 6), ET_FORMAT);
    assert_message("a.csv:2: column 1 holds 1e39, beyond 32-bit floats");
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    for (size_t n = 1; n <= 3; n++) {
        et_alloc_fail_at(n);
        assert_status(parse("1,2\n3,4\n", ','), ET_NOMEM);
        ck_assert_ptr_null(table.text);
        ck_assert_ptr_null(table.field);
    }
    et_alloc_fail_at(4);
    assert_ok(parse("1,2\n3,4\n", ','));
    et_alloc_fail_at(0);
    et__csv_destroy(&table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fields_and_rows_come_back,
        quotes_protect,
        delimiters_and_byte_order_mark,
        bad_text_is_refused_with_its_line,
        header_is_recognised,
        columns_are_found,
        numbers_come_back,
        bad_numbers_are_refused,
        failed_allocations_leave_nothing,
    };
    return run_case("csv", tests, sizeof tests / sizeof *tests);
}
