/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: values of every kind, and messages with exact positions. */
#include "close.h"
#include "unit/config_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------- values -- */

START_TEST(defaults_of_every_kind)
{
    static const char *const empties[] = {"", "# nothing\n", "{}", "---\n...\n", "null", "~\n"};
    for (size_t i = 0; i < sizeof empties / sizeof *empties; i++) {
        struct et_config *config = parsed(empties[i], NULL);
        ck_assert(et_config_bool(config, "on"));
        ck_assert_int_eq(et_config_int(config, "count"), -3);
        ck_assert(et_config_real(config, "gain") == 1e-3);
        ck_assert_str_eq(et_config_string(config, "name"), "");
        ck_assert_str_eq(et_config_string(config, "mode"), "slow");
        ck_assert_uint_eq(et_config_choice(config, "mode"), 1);
        ck_assert_uint_eq(et_config_count(config, "taps"), 2);
        ck_assert(et_config_reals(config, "taps")[1] == 0.1);
        ck_assert_uint_eq(et_config_count(config, "tags"), 2);
        ck_assert_str_eq(et_config_string_at(config, "tags", 1), "b c");
        const struct et_config *scan = et_config_at(config, "scan", 0);
        ck_assert_int_eq(et_config_int(scan, "points"), 5);
        ck_assert(!et_config_given(config, "scan") && !et_config_given(scan, "points"));
        ck_assert_uint_eq(et_config_count(config, "layers"), 0);
        ck_assert_uint_eq(et_config_count(config, "system"), 0);
        ck_assert_uint_eq(et_config_count(config, "chain"), 0);
        ck_assert_str_eq(et_config_type(config), "");
        ck_assert_str_eq(et_config_directory(config), "");
        ck_assert_str_eq(et_config_text(config), empties[i]);
        et_config_close(config);
    }
}
END_TEST

START_TEST(given_values_of_every_kind)
{
    struct et_config *config = parsed(full_text, NULL);
    ck_assert(!et_config_bool(config, "on"));
    ck_assert_int_eq(et_config_int(config, "count"), 9007199254740992);
    ck_assert(et_config_real(config, "gain") == -0.5);
    ck_assert_str_eq(et_config_string(config, "name"), "q: \"x\" \n\u2028é");
    ck_assert_uint_eq(et_config_choice(config, "mode"), 2);
    ck_assert_uint_eq(et_config_count(config, "taps"), 3);
    ck_assert(et_config_reals(config, "taps")[2] == 1e-300);
    ck_assert_uint_eq(et_config_count(config, "tags"), 6);
    ck_assert_str_eq(et_config_string_at(config, "tags", 0), "5");
    ck_assert_str_eq(et_config_string_at(config, "tags", 3), "null");
    ck_assert_str_eq(et_config_string_at(config, "tags", 5), "a  b");
    ck_assert_int_eq(et_config_int(et_config_at(config, "scan", 0), "points"), 7);
    ck_assert(et_config_given(et_config_at(config, "scan", 0), "points"));
    ck_assert(!et_config_given(et_config_at(config, "scan", 0), "label"));
    ck_assert_uint_eq(et_config_count(config, "layers"), 2);
    const struct et_config *layer = et_config_at(config, "layers", 1);
    const struct et_config *system = et_config_at(layer, "system", 0);
    ck_assert_str_eq(et_config_type(layer), "");
    ck_assert_str_eq(et_config_type(system), "acoustic");
    ck_assert(et_config_real(system, "drive") == 0.25);
    ck_assert_int_eq(et_config_int(system, "n_in"), 4);
    ck_assert_uint_eq(et_config_count(config, "system"), 1);
    system = et_config_at(et_config_at(config, "system", 0), "inner", 0);
    ck_assert_str_eq(et_config_type(et_config_at(system, "inner", 0)), "zeros");
    ck_assert_str_eq(et_config_type(et_config_at(config, "chain", 1)), "zeros");
    ck_assert(et_config_given(config, "on"));
    et_config_close(config);
}
END_TEST

START_TEST(aliases_are_copies)
{
    struct et_config *config = parsed("scan: &s {points: 9, label: &l x}\nname: *l\n"
                                      "layers:\n- &y {system: zeros}\n- *y\n",
                                      "layers.1.units=7");
    ck_assert_str_eq(et_config_string(config, "name"), "x");
    ck_assert_int_eq(et_config_int(et_config_at(config, "layers", 0), "units"), 10);
    ck_assert_int_eq(et_config_int(et_config_at(config, "layers", 1), "units"), 7);
    et_config_close(config);
}
END_TEST

START_TEST(numbers_accepted_and_refused)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},      {"1", 1},   {".5", 0.5},    {"-.5", -0.5},
                {"1.", 1},     {"+1", 1},  {"1e-3", 1e-3}, {"2E+0", 2},
                {"010e-1", 1}, {"-2", -2}, {"1e-9", 1e-9}, {"0.30000000000000004", 0.1 + 0.2}};
    static const char *const bad[] = {".nan",   "nan",   ".inf",  "-.inf", "inf",   "0x1", "1ms",
                                      "1 ms",   "'1'",   "\"1\"", "1e",    "1e+",   ".",   "-.",
                                      "e1",     "1_000", "1e999", "true",  "null",  "",    "[1]",
                                      "{a: 1}", "--1",   "0b1",   "1,5",   "|\n  1"};
    char text[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "gain: %s", good[i].text);
        struct et_config *config = parsed(text, NULL);
        ck_assert(et_config_real(config, "gain") == good[i].value);
        et_config_close(config);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "gain: %s", bad[i]);
        const char *message = refused(text, NULL);
        ck_assert_msg(strstr(message, "gain: expected a number") != NULL, "%s", message);
    }
}
END_TEST

START_TEST(integers_accepted_and_refused)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"5", 5}, {"-5", -5}, {"1e3", 1000}, {"2.0", 2}, {"-9007199254740992", -(1LL << 53)}};
    static const char *const bad[] = {
        "2.5", "9007199254740993",       "-9007199254740993", "1e16", "1e99", "1e999", "5x", "0x10",
        "'5'", "99999999999999999999999"};
    char text[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "count: %s", good[i].text);
        struct et_config *config = parsed(text, NULL);
        ck_assert_int_eq(et_config_int(config, "count"), good[i].value);
        et_config_close(config);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "count: %s", bad[i]);
        const char *message = refused(text, NULL);
        ck_assert_msg(strstr(message, "count: expected an integer") != NULL, "%s", message);
    }
}
END_TEST

START_TEST(quoted_and_folded_text)
{
    static const char *const cases[][2] = {
        {"name: '''it''''s'''", "'it''s'"},
        {"name: ''''''", "''"},
        {"name: one\n  two  \n\n  three", "one two\nthree"},
        {"name: 'one\r\n  two  \r\n\r\n\r\n  three '", "one two\n\nthree "},
        {"name: \"one\n  two\\n\\\n  three\"", "one two\nthree"},
        {"name: a b  c # comment", "a b  c"},
        {"name: >\n  a\n  b\n\n  c\n", "a b\nc\n"},
        {"name: |-\n  a\n   b\n", "a\n b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_config *config = parsed(cases[i][0], NULL);
        ck_assert_str_eq(et_config_string(config, "name"), cases[i][1]);
        et_config_close(config);
    }
    /* Many escapes: libfyaml's own accessor leaks here, which a leak checker would see. */
    char text[2048] = "name: \"";
    for (size_t i = 0; i < 300; i++)
        strcat(text, "\\x41");
    strcat(text, "\"");
    struct et_config *config = parsed(text, NULL);
    ck_assert_uint_eq(strlen(et_config_string(config, "name")), 300);
    ck_assert_uint_eq(strspn(et_config_string(config, "name"), "A"), 300);
    et_config_close(config);
}
END_TEST

/* -------------------------------------------------------------------------------- messages -- */

START_TEST(messages_are_exact)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"name: x\nlayers:\n  - system: {type: acoustic, n_in: 2, drive: 3}\n",
         "exp.yaml:3:46: error: drive = 3 is outside [0, 1]\n"
         "  - system: {type: acoustic, n_in: 2, drive: 3}\n"
         "                                             ^"},
        {"system: {type: acoustic, n_in: 2, bias: -1.50}",
         "exp.yaml:1:41: error: bias = -1.50 V is outside [0, 1] V\n"
         "system: {type: acoustic, n_in: 2, bias: -1.50}\n"
         "                                        ^~~~~"},
        {"taps: [0, 0.5, 7]", "exp.yaml:1:16: error: taps[2] = 7 V is outside [0, 1] V\n"
                              "taps: [0, 0.5, 7]\n"
                              "               ^"},
        {"system: {type: acoustic, n_in: 2, drvie: 0}",
         "exp.yaml:1:35: error: unknown parameter 'drvie' of system 'acoustic'; did you mean "
         "'drive'?\n"
         "system: {type: acoustic, n_in: 2, drvie: 0}\n"
         "                                  ^~~~~"},
        {"scan:\n  xyzzy: 1\n", "exp.yaml:2:3: error: unknown parameter 'xyzzy' of 'scan'\n"
                                "  xyzzy: 1\n"
                                "  ^~~~~"},
        {"é: 1\ngian: 1", "exp.yaml:1:1: error: unknown parameter 'é'\n"
                          "é: 1\n"
                          "^"},
        {"tags: [é, ü, [x]]", "exp.yaml:1:14: error: tags[2]: expected text, found a list\n"
                              "tags: [é, ü, [x]]\n"
                              "             ^~~"},
        {"gain:\t\"5\"", "exp.yaml:1:7: error: gain: expected a number, found the quoted text '5'\n"
                         "gain:\t\"5\"\n"
                         "     \t^~~"},
        {"gain: 5ms # slow", "exp.yaml:1:7: error: gain: expected a number, found the text '5ms'\n"
                             "gain: 5ms # slow\n"
                             "      ^~~"},
        {"count: 2.5", "exp.yaml:1:8: error: count: expected an integer, found the number '2.5'\n"
                       "count: 2.5\n"
                       "       ^~~"},
        {"on: yes", "exp.yaml:1:5: error: on: expected true or false, found the text 'yes'\n"
                    "on: yes\n"
                    "    ^~~"},
        {"on: true\nname:\nmode: off\n", "exp.yaml:2:1: error: name: expected text, found nothing\n"
                                         "name:\n"
                                         "^~~~"},
        {"mode: fats",
         "exp.yaml:1:7: error: mode: expected one of fast|slow|off, found 'fats'; did "
         "you mean 'fast'?\n"
         "mode: fats\n"
         "      ^~~~"},
        {"taps: [1]", "exp.yaml:1:7: error: taps: expected 2 to 3 entries, found 1\n"
                      "taps: [1]\n"
                      "      ^~~"},
        {"pair: [1]", "exp.yaml:1:7: error: pair: expected 2 entries, found 1\n"
                      "pair: [1]\n"
                      "      ^~~"},
        {"some: []", "exp.yaml:1:7: error: some: expected at least 1 entry, found 0\n"
                     "some: []\n"
                     "      ^~"},
        {"some: x", "exp.yaml:1:7: error: some: expected a list of texts, found the text 'x'\n"
                    "some: x\n"
                    "      ^"},
        {"taps: 1", "exp.yaml:1:7: error: taps: expected a list of numbers, found the number '1'\n"
                    "taps: 1\n"
                    "      ^"},
        {"scan: [1]", "exp.yaml:1:7: error: scan: expected a map, found a list\n"
                      "scan: [1]\n"
                      "      ^~~"},
        {"layers:\n - system: zeros\n - units: 3\n",
         "exp.yaml:3:4: error: missing parameter 'system' of 'layers[1]' (The physics.)\n"
         " - units: 3\n"
         "   ^~~~~"},
        {"system: acoustic", "exp.yaml:1:9: error: missing parameter 'n_in' of system 'acoustic' "
                             "(Inputs.)\n"
                             "system: acoustic\n"
                             "        ^~~~~~~~"},
        {"system: {n_in: 3}", "exp.yaml:1:9: error: system: missing `type:`, the name of a system\n"
                              "system: {n_in: 3}\n"
                              "        ^~~~~~~~~"},
        {"system: [zeros]",
         "exp.yaml:1:9: error: system: expected a system (its name, or a map with "
         "`type:`), found a list\n"
         "system: [zeros]\n"
         "        ^~~~~~~"},
        {"chain: [zeros, {type: acustic}]",
         "exp.yaml:1:23: error: unknown system 'acustic'; did you mean 'acoustic'?\n"
         "chain: [zeros, {type: acustic}]\n"
         "                      ^~~~~~~"},
        {"system: qqq", "exp.yaml:1:9: error: unknown system 'qqq'; known are: wrap, acoustic, "
                        "zeros, duffing\n"
                        "system: qqq\n"
                        "        ^~~"},
        {"on: true\ngain: 1\non: true\n", "exp.yaml:3:1: error: 'on' is given twice; first in line "
                                          "1\n"
                                          "on: true\n"
                                          "^~"},
        {"[1, 2]", "exp.yaml:1:1: error: expected `name: value` lines, found a list\n"
                   "[1, 2]\n"
                   "^~~~~~"},
        {"hello", "exp.yaml:1:1: error: expected `name: value` lines, found a single value\n"
                  "hello\n"
                  "^~~~~"},
        {"on: true\r\ngain: 9\r\n", "exp.yaml:2:7: error: gain = 9 V/V is outside [-2, 2] V/V\n"
                                    "gain: 9\n"
                                    "      ^"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(refused(cases[i].text, NULL), cases[i].message);
}
END_TEST

START_TEST(malformed_yaml_points_at_the_spot)
{
    static const struct {
        const char *text, *begins, *ends;
    } cases[] = {
        {"name: x\ntaps: [1, 2\n", "exp.yaml:2:12: error: ", "\ntaps: [1, 2\n           ^"},
        {"name: \"x", "exp.yaml:1:8: error: ", "\nname: \"x\n       ^"},
        {"name: @x", "exp.yaml:1:7: error: ", "\nname: @x\n      ^"},
        {"a: b: c", "exp.yaml:1:5: error: ", NULL},
        {"\ta: 1", "exp.yaml:1:1: error: ", NULL},
        {"name: *nobody", "exp.yaml:1:8: error: unknown anchor 'nobody'\n", "       ^~~~~~"},
        {"name: &a [*a]", "exp.yaml:1:12: error: unknown anchor 'a'\n", NULL},
        {"name: !!str x", "exp.yaml:1:13: error: tags (!name) are not supported\n", NULL},
        {"on: true\n---\non: true\n", "exp.yaml:2:1: error: more than one YAML document\n", NULL},
        {"? {a: b}\n: 1\n", "exp.yaml:1:3: error: a name is expected before ':'\n", NULL},
        {"name: \"a\\0b\"", "exp.yaml:1:7: error: text contains \\0\n", NULL},
        {"on: true\nname: \xff", "exp.yaml:2:7: error: not UTF-8 text\n", NULL},
        {"name: \xc0\x80", "exp.yaml:1:7: error: not UTF-8 text\n", NULL},
        {"name: \xed\xa0\x80", "exp.yaml:1:7: error: not UTF-8 text\n", NULL},
        {"name: \x1b[0m", "exp.yaml:1:7: error: control character 0x1b\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *message = refused(cases[i].text, NULL);
        ck_assert_msg(strncmp(message, cases[i].begins, strlen(cases[i].begins)) == 0, "%s",
                      message);
        if (!cases[i].ends) continue;
        size_t length = strlen(message), end = strlen(cases[i].ends);
        ck_assert_msg(length > end && strcmp(message + length - end, cases[i].ends) == 0, "%s",
                      message);
    }
}
END_TEST

START_TEST(absent_type_says_why)
{
    struct et_config *config;
    ck_assert_int_eq(parse("chain: [zeros, duffing]", NULL, &config), ET_UNSUPPORTED);
    ck_assert_str_eq(et_error_message(),
                     "exp.yaml:1:16: error: system 'duffing' is not in this build: built without "
                     "SUNDIALS\n"
                     "chain: [zeros, duffing]\n"
                     "               ^~~~~~~");
}
END_TEST

START_TEST(long_lines_are_trimmed)
{
    char text[1200] = "name: ";
    memset(text + 6, 'x', 500);
    strcpy(text + 506, "\ntags: [");
    for (size_t i = 0; i < 80; i++)
        strcat(text, "word, ");
    strcat(text, "{}, end]\n");
    const char *message = refused(text, NULL), *line = strchr(message, '\n') + 1;
    const char *caret_line = strchr(line, '\n') + 1, *caret = strchr(caret_line, '^');
    ck_assert_int_eq(strncmp(message, "exp.yaml:2:488: error: tags[80]", 31), 0);
    ck_assert_uint_le(strcspn(line, "\n"), 106);
    ck_assert_int_eq(strncmp(line, "...", 3), 0);
    ck_assert_int_eq(line[caret - caret_line], '{');
    memset(text, 0, sizeof text);
    memset(text, 'k', 300);
    strcat(text, ": 1");
    message = refused(text, NULL);
    ck_assert_ptr_nonnull(strstr(message, "k...'\n"));
    ck_assert_uint_lt(strlen(message), 400);
}
END_TEST

START_TEST(nothing_is_printed)
{
    char path[] = "/tmp/etalon-test-XXXXXX";
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    ck_assert_int_ge(file, 0);
    dup2(file, STDERR_FILENO);
    refused("taps: [1, \n  {b: \"c", NULL);
    refused("a: b: c", "x=[");
    dup2(saved, STDERR_FILENO);
    close(saved);
    ck_assert_int_eq(lseek(file, 0, SEEK_END), 0);
    close(file);
    unlink(path);
}
END_TEST

/* Rules beyond the table: the error points at the value, or at the map of a default. */
START_TEST(callers_report_at_positions)
{
    struct et_config *config = parsed("name: ab\nscan:\n  points: 3\n", "gain=1.5");
    const struct et_config *scan = et_config_at(config, "scan", 0);
    ck_assert_int_eq(et_config_error(config, "name", "%s is %d short", "name", 2), ET_CONFIG);
    ck_assert_str_eq(et_error_message(),
                     "exp.yaml:1:7: error: name is 2 short\nname: ab\n      ^~");
    ck_assert_int_eq(et_config_error(scan, "label", "no"), ET_CONFIG);
    ck_assert_str_eq(et_error_message(), "exp.yaml:3:3: error: no\n  points: 3\n  ^~~~~~");
    ck_assert_int_eq(et_config_error(scan, NULL, "no"), ET_CONFIG);
    ck_assert_str_eq(et_error_message(), "exp.yaml:3:3: error: no\n  points: 3\n  ^~~~~~");
    ck_assert_int_eq(et_config_error(scan, "type", "no"), ET_CONFIG);
    ck_assert_str_eq(et_error_message(), "exp.yaml:3:3: error: no\n  points: 3\n  ^~~~~~");
    ck_assert_int_eq(et_config_error(config, "taps", "no"), ET_CONFIG);
    ck_assert_str_eq(et_error_message(), "exp.yaml:1:1: error: no\nname: ab\n^~~~");
    ck_assert_int_eq(et_config_error(config, "gain", "too much"), ET_CONFIG);
    ck_assert_str_eq(et_error_message(), "--set gain=1.5: error: too much");
    et_config_close(config);
}
END_TEST

START_TEST(nearest_name)
{
    static const char *const names[] = {"drive", "gain", "n_in", "n_out", "x", "drive_2"};
    static const char *const cases[][2] = {
        {"drvie", "drive"}, {"Drive", "drive"},   {"drives", "drive"}, {"rive", "drive"},
        {"gian", "gain"},   {"n_inn", "n_in"},    {"n_ou", "n_out"},   {"drive_3", "drive_2"},
        {"banana", NULL},   {"completely", NULL}, {"", NULL},          {"qq", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = et_nearest_name(cases[i][0], names, sizeof names / sizeof *names);
        if (cases[i][1])
            ck_assert_str_eq(near, cases[i][1]);
        else
            ck_assert_ptr_null(near);
    }
    char longer[300];
    memset(longer, 'a', sizeof longer);
    longer[299] = '\0';
    ck_assert_ptr_null(et_nearest_name(longer, names, 6));
    ck_assert_ptr_null(et_nearest_name("x", names, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");
    tcase_add_test(tcase, defaults_of_every_kind);
    tcase_add_test(tcase, given_values_of_every_kind);
    tcase_add_test(tcase, aliases_are_copies);
    tcase_add_test(tcase, numbers_accepted_and_refused);
    tcase_add_test(tcase, integers_accepted_and_refused);
    tcase_add_test(tcase, quoted_and_folded_text);
    tcase_add_test(tcase, messages_are_exact);
    tcase_add_test(tcase, malformed_yaml_points_at_the_spot);
    tcase_add_test(tcase, absent_type_says_why);
    tcase_add_test(tcase, long_lines_are_trimmed);
    tcase_add_test(tcase, nothing_is_printed);
    tcase_add_test(tcase, callers_report_at_positions);
    tcase_add_test(tcase, nearest_name);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
