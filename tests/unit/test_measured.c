/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded systems: the reader of numbers, paths, fitted and stored twins, nearest neighbours. */
#include <etalon/parallel.h>
#include <etalon/rng.h>
#include <etalon/store.h>

#include <dirent.h>
#include <locale.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/pairs.h"
#include "unit/gauge.h"

static char folder[] = "/tmp/etalon-measured-XXXXXX";

/* A path in the folder, in one of a few rotating buffers. */
static const char *in_folder(const char *name)
{
    static char paths[4][96];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* ------------------------------------------------------------------------------------ reader -- */

static enum et_status parse(const char *text, size_t skip, struct et_array *table)
{
    return et__pairs_parse("t.csv", text, strlen(text), skip, table);
}

START_TEST(tables_of_numbers_are_read)
{
    struct et_array table = {0};
    assert_ok(parse("a;b\n 1, -2.5e1 ,+.5\r\n4,5,6\n\n\r\n", 1, &table));
    ck_assert_uint_eq(table.rows, 2);
    ck_assert_uint_eq(table.cols, 3);
    assert_close(table.data, (const float[]){1, -25, 0.5F, 4, 5, 6}, 6, 0, 0);
    et_array_destroy(&table);
    assert_ok(parse("7", 0, &table));
    ck_assert(table.rows == 1 && table.cols == 1 && table.data[0] == 7);
    et_array_destroy(&table);
    /* A locale with a decimal comma changes nothing; not every system has one. */
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL) {
        assert_ok(parse("-2.5,.5", 0, &table));
        assert_close(table.data, (const float[]){-2.5F, 0.5F}, 2, 0, 0);
        et_array_destroy(&table);
        setlocale(LC_NUMERIC, "C");
    }
}
END_TEST

START_TEST(broken_tables_are_refused_with_a_line)
{
    static const struct {
        const char *text;
        size_t skip;
        const char *message;
    } cases[] = {
        {"", 0, "t.csv:0: there are no numbers"},
        {"1,2\n", 1, "t.csv:1: there are no numbers"},
        {"\n\n", 0, "t.csv:2: there are no numbers"},
        {"1,2\n3\n", 0, "t.csv:2: 1 fields where the first row has 2"},
        {"1,2\n3,4,5\n", 0, "t.csv:2: 3 fields"},
        {"1,2\n\n3,4\n", 0, "t.csv:2: 1 fields"},
        {"1,2\n3,nan\n", 0, "t.csv:2: field 2, 'nan', is not a finite number"},
        {"1,inf\n", 0, "field 2, 'inf'"},
        {"1,1e39\n", 0, "field 2, '1e39'"},
        {"1,0x10\n", 0, "field 2, '0x10'"},
        {"1,,2\n", 0, "field 2, ''"},
        {"1,2.3.4\n", 0, "field 2, '2.3.4'"},
        {"h\n1,a\x01z\n", 1, "t.csv:2: field 2, 'a?z'"},
        {"1,111111111111111111111111111111111111111111111111111111111111111111", 0,
         "field 2, '1111"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct et_array table = {0};
        assert_status(parse(cases[i].text, cases[i].skip, &table), ET_FORMAT);
        assert_message(cases[i].message);
        et_array_destroy(&table);
    }
    struct et_array table = {0};
    assert_status(et__pairs_read(in_folder("none.csv"), 0, &table), ET_MISSING);
    assert_status(et__pairs_read("/tmp", 0, &table), ET_IO);
    et_array_destroy(&table);
}
END_TEST

/* ------------------------------------------------------------------------------------- paths -- */

static enum et_status resolve(const char *given, bool must_exist, char **path)
{
    static const struct et_param table[] = {{0}};
    char file[96];
    snprintf(file, sizeof file, "%s", in_folder("empty.yaml"));
    write_text("empty.yaml", "{}\n");
    struct et_config *config;
    assert_ok(et_config_load(file, NULL, 0, table, NULL, &config));
    enum et_status status =
        must_exist ? et_config_file(config, given, path) : et_config_path(config, given, path);
    et_config_close(config);
    return status;
}

static void assert_path(const char *given, const char *want)
{
    char *path;
    assert_ok(resolve(given, false, &path));
    ck_assert_str_eq(path, want);
    et_free(path);
}

START_TEST(paths_follow_the_file_and_the_environment)
{
    char kept[512] = "", *path;
    const char *data = getenv("ETALON_DATA");
    if (data) snprintf(kept, sizeof kept, "%s", data);
    unsetenv("ETALON_DATA");
    assert_path("${ETALON_DATA}/a.csv", "../shared/data/a.csv");
    setenv("ETALON_DATA", "/data", 1);
    assert_path("${ETALON_DATA}/a.csv", "/data/a.csv");
    assert_path("/abs/a.csv", "/abs/a.csv");
    assert_path("sub/a.csv", in_folder("sub/a.csv"));
    assert_status(resolve("${ETALON_NO_SUCH}/a", false, &path), ET_CONFIG);
    assert_message("ETALON_NO_SUCH");
    assert_status(resolve("${ETALON_DATA", false, &path), ET_CONFIG);
    assert_status(resolve("${}/a", false, &path), ET_CONFIG);
    ck_assert_ptr_null(path);
    assert_status(resolve("${ETALON_DATA}/a.csv", true, &path), ET_MISSING);
    assert_message("/data/a.csv does not exist; set ETALON_DATA to the folder of data");
    assert_status(resolve("a.csv", true, &path), ET_MISSING);
    ck_assert_ptr_null(path);
    assert_ok(resolve("empty.yaml", true, &path));
    ck_assert_str_eq(path, in_folder("empty.yaml"));
    et_free(path);
    if (kept[0])
        setenv("ETALON_DATA", kept, 1);
    else
        unsetenv("ETALON_DATA");
}
END_TEST

/* -------------------------------------------------------------------------------- the system -- */

enum { PAIRS = 2000, N_IN = 3, N_OUT = 2 };
static float recorded_x[PAIRS * N_IN], recorded_y[PAIRS * N_OUT];

static void write_table(const char *name, const float *data, size_t rows, size_t cols)
{
    FILE *file = fopen(in_folder(name), "w");
    if (file == NULL) exit(EXIT_FAILURE); /* also called outside of a test */
    fputs("header\n", file);
    for (size_t i = 0; i < rows * cols; i++)
        fprintf(file, "%.9g%c", (double)data[i], (i + 1) % cols == 0 ? '\n' : ',');
    fclose(file);
}

/* A smooth nonlinear map of [0, 1]^3. */
static void record_pairs(void)
{
    et_rng_fill_uniform(4, ET_STREAM_USER, 0, 0, 0, 1, recorded_x, PAIRS * N_IN);
    for (size_t i = 0; i < PAIRS; i++) {
        const float *x = recorded_x + i * N_IN;
        recorded_y[i * N_OUT] = sinf(5 * x[0]) * x[1];
        recorded_y[i * N_OUT + 1] = 10 + tanhf(4 * x[2] - 2) - x[0] * x[0];
    }
    write_table("x.csv", recorded_x, PAIRS, N_IN);
    write_table("y.csv", recorded_y, PAIRS, N_OUT);
}

/* Opens recorded pairs with further settings. */
static enum et_status open_measured(const char *settings, struct et_system **system)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "{type: measured, x: %s/x.csv, y: %s/y.csv, skip_lines: 1%s}",
             folder, folder, settings);
    logged[0] = '\0';
    return et_system_open_text(yaml, 1, system);
}

/* The number behind `key` in the log. */
static double logged_number(const char *key)
{
    const char *at = strstr(logged, key);
    ck_assert_msg(at != NULL, "log '%s' lacks '%s'", logged, key);
    return strtod(at + strlen(key), NULL);
}

static const char quick[] = ", hidden: [32, 32], epochs: 60, batch: 32, learning_rate: 0.01";

START_TEST(a_twin_learns_the_map_and_says_how_well)
{
    struct et_system *system;
    assert_ok(open_measured(quick, &system));
    double rmse = logged_number("hold-out RMSE "), sd = logged_number("sd of the outputs ");
    ck_assert_msg(rmse < 0.03, "RMSE %g", rmse);
    assert_near(sd, 5.1, 0.5);
    ck_assert_ptr_nonnull(strstr(logged, "twin of 3 -> 2"));
    ck_assert_ptr_nonnull(strstr(logged, "140 pairs"));
    const struct et_system_info *info = et_system_info(system);
    ck_assert(info->in_min >= 0 && info->in_min < 0.01 && info->in_max > 0.99);
    ck_assert_uint_eq(info->traits, ET_HAS_VJP);
    float x[] = {0.25F, 0.5F, 0.75F}, y[2];
    assert_ok(pass(system, 1, 0, x, 1, y));
    assert_near((double)y[0], sin(1.25) * 0.5, 0.08);
    assert_near((double)y[1], 10 + tanh(1) - 0.0625, 0.08);
    x[0] = 1.5F;
    assert_status(pass(system, 1, 0, x, 1, y), ET_INVALID);
    et_system_close(system);
}
END_TEST

START_TEST(a_fit_does_not_depend_on_threads)
{
    static float y[2][PAIRS * N_OUT];
    for (size_t i = 0; i < 2; i++) {
        struct et_system *system;
        et_parallel_set_threads(i == 0 ? 1 : 8);
        assert_ok(open_measured(", epochs: 2, hidden: [200, 300], batch: 128", &system));
        assert_ok(pass(system, 1, 0, recorded_x, PAIRS, y[i]));
        et_system_close(system);
    }
    et_parallel_set_threads(0);
    ck_assert(memcmp(y[0], y[1], sizeof y[0]) == 0);
}
END_TEST

START_TEST(a_twin_is_kept_in_a_file)
{
    static float y[2][PAIRS * N_OUT];
    char settings[256];
    struct et_system *system;
    struct stat before, after;
    for (size_t i = 0; i < 2; i++) {
        snprintf(settings, sizeof settings, ", twin: %s, epochs: 3", in_folder("twin.h5"));
        assert_ok(open_measured(settings, &system));
        assert_ok(pass(system, 1, 0, recorded_x, PAIRS, y[i]));
        et_system_close(system);
        ck_assert_int_eq(stat(in_folder("twin.h5"), i == 0 ? &before : &after), 0);
        ck_assert_ptr_nonnull(strstr(logged, "hold-out RMSE"));
    }
    ck_assert(memcmp(y[0], y[1], sizeof y[0]) == 0);
    ck_assert_msg(before.st_ino == after.st_ino, "the file was written again");
    snprintf(settings, sizeof settings, ", twin: %s, epochs: 4", in_folder("twin.h5"));
    assert_ok(open_measured(settings, &system));
    assert_ok(pass(system, 1, 0, recorded_x, PAIRS, y[1]));
    et_system_close(system);
    ck_assert_msg(memcmp(y[0], y[1], sizeof y[0]) != 0, "settings changed, the twin did not");
}
END_TEST

START_TEST(other_files_are_not_overwritten_by_twins)
{
    struct et_system *system;
    char settings[256];
    write_text("notes.txt", "not HDF5");
    snprintf(settings, sizeof settings, ", epochs: 1, twin: %s", in_folder("notes.txt"));
    assert_status(open_measured(settings, &system), ET_FORMAT);
    struct et_store *store;
    assert_ok(et_store_create(in_folder("run.h5"), &store));
    assert_ok(et_store_write_f64(store, "/metrics/loss", 1, "1", "a loss", ET_STABLE));
    assert_ok(et_store_commit(&store));
    snprintf(settings, sizeof settings, ", epochs: 1, twin: %s", in_folder("run.h5"));
    assert_status(open_measured(settings, &system), ET_FORMAT);
    assert_message("is not a stored twin");
    snprintf(settings, sizeof settings, ", epochs: 1, twin: %s", in_folder("made/twin.h5"));
    assert_ok(open_measured(settings, &system));
    et_system_close(system);
    ck_assert_int_eq(unlink(in_folder("made/twin.h5")), 0);
    ck_assert_int_eq(rmdir(in_folder("made")), 0);
    snprintf(settings, sizeof settings, ", epochs: 1, twin: %s", in_folder("none/none/twin.h5"));
    assert_status(open_measured(settings, &system), ET_IO);
}
END_TEST

START_TEST(pairs_may_come_from_hdf5)
{
    char yaml[512];
    struct et_system *system;
    struct et_store *store;
    assert_ok(et_store_create(in_folder("pairs.h5"), &store));
    assert_ok(et_store_write_view(store, "/in", et_view_of(recorded_x, PAIRS, N_IN), "1", "x"));
    assert_ok(et_store_write_view(store, "/out", et_view_of(recorded_y, PAIRS, N_OUT), "1", "y"));
    assert_ok(et_store_commit(&store));
    snprintf(yaml, sizeof yaml,
             "{type: measured, hdf5: %s, x: /in, y: /out, fit: nearest, latency_s: 0.5}",
             in_folder("pairs.h5"));
    assert_ok(et_system_open_text(yaml, 1, &system));
    float y[2];
    assert_ok(pass(system, 1, 0, recorded_x + 30, 1, y));
    assert_close(y, recorded_y + 20, 2, 1e-6, 0);
    assert_near(et_system_ledger(system).device_s, 0.5, 1e-12);
    ck_assert(isnan(et_system_ledger(system).device_J));
    et_system_close(system);
    recorded_x[5] = NAN;
    assert_ok(et_store_create(in_folder("pairs.h5"), &store));
    assert_ok(et_store_write_view(store, "/in", et_view_of(recorded_x, PAIRS, N_IN), "1", "x"));
    assert_ok(et_store_write_view(store, "/out", et_view_of(recorded_y, PAIRS, N_OUT), "1", "y"));
    assert_ok(et_store_commit(&store));
    record_pairs();
    assert_status(et_system_open_text(yaml, 1, &system), ET_FORMAT);
    assert_message("/in[1][2] = nan");
}
END_TEST

START_TEST(neighbours_are_weighted_by_distance)
{
    char yaml[512];
    struct et_system *system;
    write_text("x1.csv", "0\n1\n5\n8\n16\n");
    write_text("y1.csv", "0\n3\n6\n0\n100\n");
    snprintf(
        yaml, sizeof yaml,
        "{type: measured, x: %s, y: %s, fit: nearest, neighbours: 2, holdout: 0.2, clip: true}",
        in_folder("x1.csv"), in_folder("y1.csv"));
    assert_ok(et_system_open_text(yaml, 1, &system));
    /* At 2: distances 1 and 2, weights 1 and 1/4.  At 5: a record.  At -5: clipped to 0. */
    float x[] = {2, 5, -5}, y[3];
    assert_ok(pass(system, 1, 0, x, 3, y));
    assert_close(y, (const float[]){(3 + 0.25F * 0) / 1.25F, 6, 0}, 3, 0, 1e-6);
    et_system_close(system);
    assert_ok(open_measured(", fit: nearest", &system));
    ck_assert(logged_number("hold-out RMSE ") < 0.2);
    et_system_close(system);
}
END_TEST

START_TEST(wrong_settings_are_refused)
{
    struct et_system *system;
    assert_status(open_measured(", hidden: [2.5]", &system), ET_CONFIG);
    assert_message("2.5 is not a whole number");
    char yaml[512];
    write_text("x4.csv", "0\n1\n2\n3\n");
    write_text("y4.csv", "3e38\n-3e38\n-3e38\n-3e38\n");
    size_t length =
        (size_t)snprintf(yaml, sizeof yaml, "{type: measured, x: %s, ", in_folder("x4.csv"));
    length += (size_t)snprintf(yaml + length, sizeof yaml - length, "y: %s, ", in_folder("y4.csv"));
    snprintf(yaml + length, sizeof yaml - length, "holdout: 0.25, fit_seed: 2, twin: %s}",
             in_folder("never/twin.h5"));
    assert_refused(yaml, ET_NUMERIC, "the fit diverged in epoch 0");
    ck_assert_msg(access(in_folder("never"), F_OK) != 0, "a failed fit has left a folder");
    write_text("x2.csv", "0\n1\n");
    write_text("y2.csv", "0\n1\n2\n");
    write_text("same.csv", "1\n1\n");
    snprintf(yaml, sizeof yaml, "{type: measured, x: %s, y: %s}", in_folder("x2.csv"),
             in_folder("y2.csv"));
    assert_refused(yaml, ET_CONFIG, "3 recorded outputs for 2 recorded inputs");
    snprintf(yaml, sizeof yaml, "{type: measured, x: %s, y: %s}", in_folder("same.csv"),
             in_folder("x2.csv"));
    assert_refused(yaml, ET_CONFIG, "all recorded inputs are 1");
    snprintf(yaml, sizeof yaml, "{type: measured, x: %s, y: %s}", in_folder("x2.csv"),
             in_folder("x2.csv"));
    assert_refused(yaml, ET_INVALID, "cannot be cut");
    snprintf(yaml, sizeof yaml, "{type: measured, x: %s, y: %s}", in_folder("no.csv"),
             in_folder("x2.csv"));
    assert_refused(yaml, ET_MISSING, "does not exist");
}
END_TEST

/* A fifth of the usual epochs on the recorded acoustic cavity. */
START_TEST(the_measured_cavity_has_a_good_twin)
{
    const char *data = getenv("ETALON_DATA");
    char path[512];
    snprintf(path, sizeof path, "%s/phyll/acoustic_x.csv", data ? data : "../shared/data");
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "SKIPPED: %s is missing; set ETALON_DATA\n", path);
        return;
    }
    logged[0] = '\0';
    struct et_system *system =
        open_text("{type: measured, x: \"${ETALON_DATA}/phyll/acoustic_x.csv\", "
                  "y: \"${ETALON_DATA}/phyll/acoustic_y.csv\", skip_lines: 1, epochs: 8}");
    ck_assert_uint_eq(et_system_info(system)->n_in, 20);
    double rmse = logged_number("hold-out RMSE ");
    ck_assert_msg(rmse <= 0.03, "RMSE %g", rmse);
    et_system_close(system);
}
END_TEST

static void clean_up(void)
{
    DIR *directory = opendir(folder);
    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    rmdir(folder);
}

int main(void)
{
    const TTest *const tests[] = {
        tables_of_numbers_are_read,
        broken_tables_are_refused_with_a_line,
        paths_follow_the_file_and_the_environment,
        a_twin_learns_the_map_and_says_how_well,
        a_fit_does_not_depend_on_threads,
        a_twin_is_kept_in_a_file,
        other_files_are_not_overwritten_by_twins,
        pairs_may_come_from_hdf5,
        neighbours_are_weighted_by_distance,
        wrong_settings_are_refused,
        the_measured_cavity_has_a_good_twin,
    };
    if (mkdtemp(folder) == NULL) return EXIT_FAILURE;
    record_pairs();
    int status = run_suite("measured", tests, sizeof tests / sizeof *tests);
    clean_up();
    return status;
}
