/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration: overrides, the resolved text, files, templates, and what hostile input and failing
 * allocations do. */
#include "close.h"
#include "unit/config_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------- overrides -- */

static const char network_text[] =
    "gain: 0\nlayers:\n- system: {type: acoustic, n_in: 2}\n- system: "
    "zeros\n";

START_TEST(overrides_replace_and_create)
{
    static const char *const overrides[] = {
        "gain=1.5",
        "scan.points=8",
        "layers.0.system.drive=0.75",
        "layers.0.system.drive=0.25",
        "layers.1.system={type: acoustic, n_in: 20}",
        "layers.1.system.bias=1",
        "chain=[zeros]",
        "system=zeros",
        "name=a = b",
        "taps=[0, 0, 0]",
        "taps.1=1",
    };
    struct et_config *config;
    size_t n = sizeof overrides / sizeof *overrides;
    ck_assert_int_eq(et_config_parse("x", network_text, overrides, n, params, types, &config),
                     ET_OK);
    ck_assert(et_config_real(config, "gain") == 1.5);
    ck_assert_int_eq(et_config_int(et_config_at(config, "scan", 0), "points"), 8);
    const struct et_config *system = et_config_at(et_config_at(config, "layers", 0), "system", 0);
    ck_assert(et_config_real(system, "drive") == 0.25);
    ck_assert(et_config_given(system, "drive") && !et_config_given(system, "bias"));
    system = et_config_at(et_config_at(config, "layers", 1), "system", 0);
    ck_assert_str_eq(et_config_type(system), "acoustic");
    ck_assert_int_eq(et_config_int(system, "n_in"), 20);
    ck_assert(et_config_real(system, "bias") == 1);
    ck_assert_uint_eq(et_config_count(config, "chain"), 1);
    ck_assert_uint_eq(et_config_count(config, "system"), 1);
    ck_assert_str_eq(et_config_string(config, "name"), "a = b");
    ck_assert(et_config_reals(config, "taps")[1] == 1);
    et_config_close(config);
    /* A URI without an address is a text. */
    config = parsed(network_text, "name=verilator:");
    ck_assert_str_eq(et_config_string(config, "name"), "verilator:");
    et_config_close(config);
    /* A path can go on below the short form of a type. */
    config = parsed("system: acoustic", "system.n_in=3");
    ck_assert_int_eq(et_config_int(et_config_at(config, "system", 0), "n_in"), 3);
    et_config_close(config);
    config = parsed("system: acoustic", "system=");
    ck_assert_uint_eq(et_config_count(config, "system"), 0);
    et_config_close(config);
}
END_TEST

START_TEST(override_errors_name_the_override)
{
    static const char *const cases[][2] = {
        {"layers.0.system.drive=3",
         "--set layers.0.system.drive=3: error: drive = 3 is outside [0, 1]"},
        {"gian=1", "--set gian=1: error: unknown parameter 'gian'; did you mean 'gain'?"},
        {"gain=x", "--set gain=x: error: gain: expected a number, found the text 'x'"},
        {"layers.2.units=1",
         "--set layers.2.units=1: error: index 2 is out of range: 'layers' has 2 entries"},
        {"layers.x.units=1",
         "--set layers.x.units=1: error: 'layers' is a list: expected an index, found 'x'"},
        {"layers.-1=1", "--set layers.-1=1: error: 'layers' is a list: expected an index, found "
                        "'-1'"},
        {"layers.1.system={type: acoustic}",
         "--set layers.1.system={type: acoustic}: error: missing parameter 'n_in' of system "
         "'acoustic' (Inputs.)"},
        {"gain", "--set gain: error: expected PATH=VALUE"},
        {"=1", "--set =1: error: empty name in the path"},
        {"scan..points=1", "--set scan..points=1: error: empty name in the path"},
        {"gain.x=1", "--set gain.x=1: error: gain: expected a number, found a map"},
        {"layers.1.system=duffin",
         "--set layers.1.system=duffin: error: unknown system 'duffin'; did you mean 'duffing'?"},
        {"gain=\xff", "--set gain=\xff: error: not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(refused(network_text, cases[i][0]), cases[i][1]);
    /* Replacing the type alone leaves parameters that the new type does not know. */
    ck_assert_str_eq(refused(network_text, "layers.0.system.type=zeros"),
                     "exp.yaml:3:28: error: unknown parameter 'n_in' of system 'zeros'\n"
                     "- system: {type: acoustic, n_in: 2}\n"
                     "                           ^~~~");
    const char *message = refused(network_text, "gain=[1");
    ck_assert_int_eq(strncmp(message, "--set gain=[1: error: ", 22), 0);
    ck_assert_ptr_null(strchr(message, '\n'));
}
END_TEST

/* -------------------------------------------------------------------------------- resolved -- */

START_TEST(resolved_has_every_default)
{
    struct et_config *config = parsed("layers: [{system: {n_in: 4, type: acoustic}}]\n"
                                      "system: {type: wrap, inner: zeros}\nname: 'a: b'\n",
                                      "gain=0.1");
    ck_assert_str_eq(et_config_resolved(config), "on: true\n"
                                                 "count: -3\n"
                                                 "gain: 0.1\n"
                                                 "name: \"a: b\"\n"
                                                 "mode: slow\n"
                                                 "taps: [1, 0.1]\n"
                                                 "tags: [a, b c]\n"
                                                 "pair: [0, 0]\n"
                                                 "some: [x]\n"
                                                 "scan:\n"
                                                 "  points: 5\n"
                                                 "  label: none\n"
                                                 "layers:\n"
                                                 "  - system:\n"
                                                 "      type: acoustic\n"
                                                 "      n_in: 4\n"
                                                 "      drive: 0.5\n"
                                                 "      bias: 0\n"
                                                 "    units: 10\n"
                                                 "system:\n"
                                                 "  type: wrap\n"
                                                 "  inner:\n"
                                                 "    type: zeros\n"
                                                 "chain: []\n");
    const struct et_config *layer = et_config_at(config, "layers", 0);
    ck_assert_str_eq(et_config_resolved(et_config_at(layer, "system", 0)),
                     "type: acoustic\nn_in: 4\ndrive: 0.5\nbias: 0\n");
    et_config_close(config);
    static const struct et_param none[] = {{0}};
    ck_assert_int_eq(et_config_parse("x", "", NULL, 0, none, NULL, &config), ET_OK);
    ck_assert_str_eq(et_config_resolved(config), "{}\n");
    et_config_close(config);
}
END_TEST

START_TEST(resolved_reads_back_as_itself)
{
    static const char *const texts[] = {
        "",
        full_text,
        network_text,
        "gain: 0.1234567890123456789",
        "gain: 4.9406564584124654e-324",
        "count: -9007199254740992",
        "name: 'null'",
        "name: ~~",
        "name: \" lead\"",
        "name: 'trail '",
        "name: |\n  two\n  lines\n\n",
        "name: >-\n  folded\n  text\n",
        "name: '''it''''s'''",
        "name: one\n  two\n\n  three",
        "name: 'one\n  two  \n\n\n  three'",
        "name: \"tab\\t nul-free \\x01\\x7f\\x85\\u2028\\uFEFF\\U0001F30A \\\\ \\\"\"",
        "name: '#no comment'",
        "name: 'a #b'",
        "tags: ['a,b', '[x]', '{', '!t', '&a', '*a', '%', '@', '`', '?', '-', ':', 'x:', '\"']",
        "tags: [1.50, true, 0x1, '1e5', .inf, 2001-01-01, '---', '...', '<<', '=']",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct et_config *config = parsed(texts[i], NULL);
        struct et_config *again = parsed(et_config_resolved(config), NULL);
        ck_assert_str_eq(et_config_resolved(again), et_config_resolved(config));
        ck_assert_str_eq(et_config_string(again, "name"), et_config_string(config, "name"));
        ck_assert(et_config_real(again, "gain") == et_config_real(config, "gain"));
        for (size_t k = 0; k < et_config_count(config, "tags"); k++)
            ck_assert_str_eq(et_config_string_at(again, "tags", k),
                             et_config_string_at(config, "tags", k));
        et_config_close(again);
        et_config_close(config);
    }
}
END_TEST

/* --------------------------------------------------------------------- files and templates -- */

/* Read again from a run file, what nobody gave is still not given. */
START_TEST(stored_text_keeps_what_was_given)
{
    const char *over = "scan={}";
    struct et_config *config =
        parsed("gain: 1\nlayers: [{system: {type: acoustic, n_in: 4}}]", over);
    const char *stored = et_config_stored(config);
    ck_assert_ptr_eq(stored, et_config_stored(config));
    ck_assert_ptr_nonnull(strstr(stored, "gain: 1\n"));
    ck_assert_ptr_nonnull(strstr(stored, "count: -3 # default\n"));
    struct et_config *again = parsed(stored, NULL);
    ck_assert_str_eq(et_config_resolved(again), et_config_resolved(config));
    ck_assert_str_eq(et_config_stored(again), stored);
    static const char *const names[] = {"on", "count", "gain", "name", "taps", "scan", "layers"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_msg(et_config_given(config, names[i]) == et_config_given(again, names[i]), "%s",
                      names[i]);
    const struct et_config *system = et_config_at(et_config_at(again, "layers", 0), "system", 0);
    ck_assert(et_config_given(system, "n_in") && !et_config_given(system, "drive"));
    et_config_close(again);
    /* An override of a default is given, and anyone's own comment means nothing. */
    again = parsed(stored, "count=-3");
    ck_assert(et_config_given(again, "count"));
    et_config_close(again);
    again = parsed("gain: 1 # default\n", NULL);
    ck_assert(et_config_given(again, "gain"));
    et_config_close(again);
    et_config_close(config);
}
END_TEST

START_TEST(files_are_read)
{
    char directory[] = "/tmp/etalon-test-XXXXXX", path[64], missing[64];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/exp.yaml", directory);
    snprintf(missing, sizeof missing, "%s/nope.yaml", directory);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs("gain: 2 # ", file);
    for (size_t i = 0; i < 100000; i++)
        fputc('x', file);
    fputs("\ncount: 4\n", file);
    fclose(file);
    struct et_config *config;
    ck_assert_int_eq(et_config_load(path, NULL, 0, params, types, &config), ET_OK);
    ck_assert_int_eq(et_config_int(config, "count"), 4);
    ck_assert_str_eq(et_config_directory(config), directory);
    ck_assert_uint_eq(strlen(et_config_text(config)), 100020);
    et_config_close(config);
    const char *override = "mode=nope";
    ck_assert_int_eq(et_config_load(path, &override, 1, params, types, &config), ET_CONFIG);
    ck_assert_int_eq(et_config_load(missing, NULL, 0, params, types, &config), ET_MISSING);
    ck_assert_ptr_nonnull(strstr(et_error_message(), missing));
    ck_assert_int_eq(et_config_load(directory, NULL, 0, params, types, &config), ET_IO);
    ck_assert_ptr_null(config);
    file = fopen(path, "wb");
    fwrite("gain: \0 1", 1, 9, file);
    fclose(file);
    ck_assert_int_eq(et_config_load(path, NULL, 0, params, types, &config), ET_CONFIG);
    ck_assert_ptr_nonnull(
        strstr(et_error_message(), "exp.yaml:1:7: error: control character 0x00"));
    unlink(path);
    rmdir(directory);
}
END_TEST

START_TEST(template_states_everything_and_parses)
{
    char *text;
    ck_assert_int_eq(et_param_template(params, NULL, types, &text), ET_OK);
    ck_assert_ptr_nonnull(strstr(text, "# Amplification [-2, 2] V/V; default 1e-3\ngain: 1e-3\n"));
    ck_assert_ptr_nonnull(strstr(text, "# Speed (fast|slow|off); default slow\nmode: slow\n"));
    ck_assert_ptr_nonnull(strstr(text, "scan:\n  # How many; default 5\n  points: 5\n"));
    ck_assert_ptr_nonnull(strstr(text, "# layers:\n#   -\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n# system:\n#   type: zeros\n"));
    struct et_config *config = parsed(text, NULL), *defaults = parsed("", NULL);
    ck_assert_str_eq(et_config_resolved(config), et_config_resolved(defaults));
    et_config_close(defaults);
    et_config_close(config);
    et_free(text);
    /* A type with required parameters: examples that pass its checks. */
    ck_assert_int_eq(et_param_template(acoustic_params, "acoustic", types, &text), ET_OK);
    ck_assert_ptr_nonnull(strstr(text, "type: acoustic\n# Inputs [1, 64]; required\nn_in: 1\n"));
    et_free(text);
    /* Long sentences are wrapped. */
    static const struct et_param wordy[] = {
        {.name = "x",
         .kind = ET_PARAM_REAL,
         .initial = "1",
         .doc = "A sentence that is so long that no comment line of one hundred columns holds all "
                "of it at once."},
        {0},
    };
    ck_assert_int_eq(et_param_template(wordy, NULL, types, &text), ET_OK);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 100);
    ck_assert_str_eq(text,
                     "# A sentence that is so long that no comment line of one hundred columns "
                     "holds all of it at once;\n# default 1\nx: 1\n");
    et_free(text);
    static const struct et_param item[] = {
        {.name = "kind", .kind = ET_PARAM_CHOICE, .choices = "left|right"},
        {.name = "at", .kind = ET_PARAM_REALS, .min = 0.5, .max = INFINITY, .min_count = 2},
        {.name = "inside", .kind = ET_PARAM_TYPE, .choices = "system"},
        {0},
    };
    static const struct et_param all[] = {
        {.name = "flag", .kind = ET_PARAM_BOOL, .doc = "A flag."},
        {.name = "words", .kind = ET_PARAM_STRINGS, .min_count = 1},
        {.name = "one", .kind = ET_PARAM_RECORD, .fields = item},
        {.name = "many", .kind = ET_PARAM_RECORDS, .fields = item, .min_count = 2},
        {.name = "stack", .kind = ET_PARAM_TYPES, .choices = "system", .min_count = 1},
        {.name = "int", .kind = ET_PARAM_INT, .min = -INFINITY, .max = -1.5},
        {0},
    };
    ck_assert_int_eq(et_param_template(all, "", types, &text), ET_OK);
    enum et_status status = et_config_parse("template", text, NULL, 0, all, types, &config);
    ck_assert_msg(status == ET_OK, "%s\n%s", et_error_message(), text);
    ck_assert_uint_eq(et_config_count(config, "many"), 2);
    ck_assert_int_eq(et_config_int(config, "int"), -2);
    et_config_close(config);
    et_free(text);
}
END_TEST

/* ----------------------------------------------------------------------- hostile and failing -- */

START_TEST(bombs_are_refused)
{
    char text[8192] = "tags: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (size_t i = 1; i < 12; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n,
                 "k%zu: &a%zu [*a%zu, *a%zu, *a%zu, *a%zu, *a%zu, *a%zu, *a%zu, *a%zu]\n", i, i,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    ck_assert_ptr_nonnull(strstr(refused(text, NULL), "error: aliases expand to more than"));
    static const char *const openings[] = {"[", "{a: ", "- ", "? "};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        text[0] = '\0';
        for (size_t k = 0; k < 100; k++)
            strcat(text, openings[i]);
        ck_assert_ptr_nonnull(strstr(refused(text, NULL), "error: "));
    }
    ck_assert_ptr_nonnull(
        strstr(refused("tags: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                       "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                       NULL),
               "exp.yaml:1:70: error: nested deeper than 64 levels"));
    strcpy(text, "system: ");
    for (size_t i = 0; i < 40; i++)
        strcat(text, "{type: wrap, inner: ");
    strcat(text, "zeros");
    for (size_t i = 0; i < 40; i++)
        strcat(text, "}");
    ck_assert_ptr_nonnull(strstr(refused(text, NULL), "maps in each other"));
    text[0] = '\0';
    for (size_t i = 0; i < 1025; i++)
        snprintf(text + 6 * i, 7, "%4zu:\n", 1000 + i);
    ck_assert_ptr_nonnull(
        strstr(refused(text, NULL), "exp.yaml:1025:1: error: a map of more than"));
    size_t size = (4u << 20) + 2;
    char *huge = calloc(size + 1, 1);
    ck_assert_ptr_nonnull(huge);
    memset(huge, '#', size);
    ck_assert_ptr_nonnull(strstr(refused(huge, NULL), "more than 4 MiB of text"));
    memcpy(huge, "tags: [", 7);
    for (size_t i = 7; i < 400000; i++)
        huge[i] = i % 2 ? 'x' : ',';
    huge[400000] = ']';
    huge[400001] = '\0';
    ck_assert_ptr_nonnull(strstr(refused(huge, NULL), "more than 65536 values"));
    strcpy(huge, "tags: [");
    for (size_t i = 0; i < 1100; i++)
        sprintf(huge + 7 + 9 * i, "&%05zu x,", i);
    ck_assert_ptr_nonnull(strstr(refused(huge, NULL), "more than 1024 anchors"));
    free(huge);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
    char path[] = "/tmp/etalon-test-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, full_text, sizeof full_text - 1), (int)sizeof full_text - 1);
    close(file);
    static const char *const overrides[] = {"layers.0.system={type: acoustic, n_in: 3}", "gain=1"};
    size_t n = 1;
    for (;; n++) {
        struct et_config *config = (void *)systems;
        et_alloc_fail_at(n);
        enum et_status status = et_config_load(path, overrides, 2, params, types, &config);
        et_alloc_fail_at(0);
        if (status == ET_OK) {
            et_config_close(config);
            break;
        }
        ck_assert_int_eq(status, ET_NOMEM);
        ck_assert_int_eq(et_error_status(), ET_NOMEM);
        ck_assert_ptr_null(config);
    }
    ck_assert_uint_gt(n, 5);
    for (n = 1;; n++) {
        char *text = (void *)path;
        et_alloc_fail_at(n);
        enum et_status status = et_param_template(params, NULL, types, &text);
        et_alloc_fail_at(0);
        if (status == ET_OK) {
            et_free(text);
            break;
        }
        ck_assert_int_eq(status, ET_NOMEM);
        ck_assert_ptr_null(text);
    }
    ck_assert_uint_gt(n, 5);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_document");
    TCase *tcase = tcase_create("config_document");
    tcase_add_test(tcase, overrides_replace_and_create);
    tcase_add_test(tcase, override_errors_name_the_override);
    tcase_add_test(tcase, resolved_has_every_default);
    tcase_add_test(tcase, resolved_reads_back_as_itself);
    tcase_add_test(tcase, stored_text_keeps_what_was_given);
    tcase_add_test(tcase, files_are_read);
    tcase_add_test(tcase, template_states_everything_and_parses);
    tcase_add_test(tcase, bombs_are_refused);
    tcase_add_test(tcase, every_failing_allocation_is_survived);
    suite_add_tcase(suite, tcase);
    return suite_result(suite);
}
