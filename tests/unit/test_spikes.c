/* SPDX-License-Identifier: Apache-2.0
 *
 * Recorded spikes: bytes of event cameras, SHD rows and NIRData recordings into frames, and every
 * spike that is out of place with file, position, value and limit. */
#include <etalon/store.h>

#include <math.h>
#include <sys/stat.h>

#include "training/aer.h"
#include "training/nir_data.h"
#include "training/spikes.h"
#include "unit/data_folder.h"

/* ---- frames ---- */

static enum et_status bin(struct et__frames frames, const double *time, const uint32_t *unit,
                          size_t n, float *row)
{
    struct et__spikes spikes;
    assert_ok(et__spikes_create(&spikes, n));
    spikes.n = n;
    memcpy(spikes.time, time, n * sizeof *time);
    memcpy(spikes.unit, unit, n * sizeof *unit);
    enum et_status status = et__spikes_bin("here", &frames, &spikes, row);
    et__spikes_destroy(&spikes);
    return status;
}

START_TEST(spikes_fall_into_their_bins)
{
    static const double time[5] = {0, 0.24, 0.25, 0.25, 0.99};
    static const uint32_t unit[5] = {0, 1, 2, 2, 4};
    const struct et__frames plain = {.bins = 4, .units = 5, .merge = 1, .window = 1};
    struct et__frames other = plain;
    float row[20] = {0};
    assert_ok(bin(plain, time, unit, 5, row));
    static const float want[20] = {[0] = 1, [1] = 1, [7] = 2, [19] = 1};
    ck_assert_mem_eq(row, want, sizeof want);

    other.clip = true;
    memset(row, 0, sizeof row);
    assert_ok(bin(other, time, unit, 5, row));
    ck_assert_float_eq(row[7], 1);

    other = plain;
    other.merge = 2; /* units 0, 1 | 2, 3 | 4 */
    ck_assert_uint_eq(et__frames_channels(&other), 3);
    memset(row, 0, sizeof row);
    assert_ok(bin(other, time, unit, 5, row));
    ck_assert(row[0] == 2 && row[4] == 2 && row[11] == 1);

    /* A step's own event stands at its end. */
    other = plain;
    other.upper = true;
    static const double ends[4] = {0, 0.25, 0.5, 1};
    memset(row, 0, sizeof row);
    assert_ok(bin(other, ends, unit, 4, row));
    ck_assert(row[0] == 1 && row[1] == 1 && row[7] == 1 && row[17] == 1);
}
END_TEST

START_TEST(spikes_out_of_place_are_named)
{
    static const struct {
        double time[2];
        uint32_t unit;
        const char *message;
        bool dropped; /* lenient reading lets it pass */
    } cases[] = {
        {{0.5, 0.25}, 1, "here: spike 1 at 0.25 s comes before spike 0 at 0.5 s", true},
        {{0.5, -0.25}, 1, "here: spike 1 has the negative time -0.25 s", true},
        {{0.5, 1}, 1, "here: spike 1 at 1 s is beyond the window of 1 s", true},
        {{0.5, INFINITY}, 1, "here: spike 1 at inf s is beyond the window of 1 s", true},
        {{0.5, NAN}, 1, "here: spike 1 has no time", false},
        {{0.5, 0.75}, 5, "here: spike 1 is of unit 5; the layer has 5 units", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct et__frames frames = {.bins = 4, .units = 5, .merge = 1, .window = 1};
        const uint32_t unit[2] = {0, cases[i].unit};
        float row[20] = {0};
        assert_status(bin(frames, cases[i].time, unit, 2, row), ET_FORMAT);
        assert_message(cases[i].message);
        frames.lenient = true;
        ck_assert_int_eq(bin(frames, cases[i].time, unit, 2, row),
                         cases[i].dropped ? ET_OK : ET_FORMAT);
    }
}
END_TEST

/* ---- event cameras ---- */

static void assert_event(const struct et__spikes *spikes, size_t i, size_t unit, double time)
{
    ck_assert_uint_eq(spikes->unit[i], unit);
    ck_assert_double_eq_tol(spikes->time[i], time, 1e-12);
}

START_TEST(nmnist_events_are_decoded)
{
    /* x, y, polarity and 23 bits of us; the second is an overflow of 8192 us */
    static const unsigned char bytes[] = {3, 5,  0x80, 0x01, 0x00, 0,  240, 0,    0,    0,
                                          7, 33, 0x00, 0x00, 0x0a, 33, 0,   0x81, 0x02, 0x03};
    struct et__spikes spikes;
    assert_ok(et__aer_parse("n.bin", ET__AER_NMNIST, bytes, sizeof bytes, &spikes));
    ck_assert_uint_eq(spikes.n, 3);
    assert_event(&spikes, 0, (34 + 5) * 34 + 3, 256e-6);
    assert_event(&spikes, 1, 33 * 34 + 7, (8192 + 10) * 1e-6);
    assert_event(&spikes, 2, 34 * 34 + 33, (8192 + 0x010203) * 1e-6);
    et__spikes_destroy(&spikes);
    assert_status(et__aer_parse("n.bin", ET__AER_NMNIST, bytes, 12, &spikes), ET_FORMAT);
    assert_message("n.bin: ends within event 2: 12 bytes are no multiple of 5");
    static const unsigned char outside[] = {34, 1, 0, 0, 0};
    assert_status(et__aer_parse("n.bin", ET__AER_NMNIST, outside, 5, &spikes), ET_FORMAT);
    assert_message("n.bin: event 0 is at pixel (34, 1); the sensor has 34 x 34 pixels");
}
END_TEST

static size_t write_aedat(unsigned char *to, const char *header, const uint32_t *pairs, size_t n)
{
    size_t size = strlen(header);
    memcpy(to, header, size);
    for (size_t i = 0; i < 2 * n; i++)
        for (size_t k = 0; k < 4; k++)
            to[size++] = (unsigned char)(pairs[i] >> (24 - 8 * k));
    return size;
}

START_TEST(aedat_events_are_decoded)
{
    static const char header[] = "#!AER-DAT2.0\r\n# a comment\r\n#End Of ASCII Header\r\n";
    unsigned char bytes[512];
    struct et__spikes spikes;
    /* DVS128: x bits 8-14, y bits 1-7, polarity bit 0; bit 15 is a trigger */
    const uint32_t dvs[] = {5 << 8 | 9 << 1 | 1, 1000000, 0x8000, 1000001, 127 << 8, 1000002};
    size_t size = write_aedat(bytes, header, dvs, 3);
    assert_ok(et__aer_parse("a.aedat", ET__AER_DVS128, bytes, size, &spikes));
    ck_assert_uint_eq(spikes.n, 2);
    assert_event(&spikes, 0, (128 + 9) * 128 + 5, 1);
    assert_event(&spikes, 1, 127, 1.000002);
    et__spikes_destroy(&spikes);

    const uint32_t gesture[] = {100 << 17 | 64 << 2 | 1 << 1, 7};
    size = write_aedat(bytes, header, gesture, 1);
    assert_ok(et__aer_parse("a.aedat", ET__AER_DVS_GESTURE, bytes, size, &spikes));
    assert_event(&spikes, 0, (128 + 64) * 128 + 100, 7e-6);
    et__spikes_destroy(&spikes);

    const uint32_t davis[] = {345U << 12 | 259U << 22 | 1 << 11, 7, 0x80000000U, 8, 0x400, 9};
    size = write_aedat(bytes, header, davis, 3);
    assert_ok(et__aer_parse("a.aedat", ET__AER_DAVIS346, bytes, size, &spikes));
    ck_assert_uint_eq(spikes.n, 1);
    assert_event(&spikes, 0, 260 * 346, 7e-6);
    et__spikes_destroy(&spikes);

    /* The first byte of an event may be that of '#'. */
    const uint32_t hash[] = {0x23000000, 5};
    size = write_aedat(bytes, header, hash, 1);
    assert_ok(et__aer_parse("a.aedat", ET__AER_DVS128, bytes, size, &spikes));
    ck_assert_uint_eq(spikes.n, 1);
    et__spikes_destroy(&spikes);
}
END_TEST

START_TEST(bad_aedat_is_named)
{
    static const struct {
        const char *header, *message;
        enum et__aer_format format;
        uint32_t address;
        size_t cut;
    } cases[] = {
        {"#!AER-DAT3.1\r\n", "a.aedat: is AEDAT version '3'", ET__AER_DVS128, 0, 0},
        {"hello\n", "a.aedat: does not start with '#!AER-DAT'", ET__AER_DVS128, 0, 0},
        {"#!AER-DAT2.0", "a.aedat: its header has no end", ET__AER_DVS128, 0, 8},
        {"#!AER-DAT2.0\n", "a.aedat: ends within event 0: the 5 bytes from 13 on", ET__AER_DVS128,
         0, 3},
        {"#!AER-DAT2.0\n", "event 0 is at pixel (128, 0); the sensor has 128 x 128 pixels",
         ET__AER_DVS_GESTURE, 128 << 17, 0},
        {"#!AER-DAT2.0\n", "event 0 is at pixel (4294967295, 259)", ET__AER_DAVIS346, 346U << 12,
         0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[128];
        struct et__spikes spikes;
        const uint32_t pair[2] = {cases[i].address, 0};
        const size_t size = write_aedat(bytes, cases[i].header, pair, 1) - cases[i].cut;
        assert_status(et__aer_parse("a.aedat", cases[i].format, bytes, size, &spikes), ET_FORMAT);
        assert_message(cases[i].message);
    }
}
END_TEST

/* ---- folders ---- */

static void make_folder(const char *name)
{
    ck_assert_int_eq(mkdir(in_folder(name), 0700), 0);
}

static void remove_folder(const char *name)
{
    DIR *directory = opendir(in_folder(name));
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        unlinkat(dirfd(directory), entry->d_name, 0);
    closedir(directory);
    rmdir(in_folder(name));
}

START_TEST(folders_of_events_are_loaded)
{
    /* (x, y, us): one spike late, one early */
    static const unsigned char early[] = {1, 2, 0, 0, 0, 33, 33, 0x80, 0x01, 0};
    static const unsigned char late[] = {0, 0, 0, 0, 100, 4, 0, 0x03, 0x0d, 0x40};
    struct et_dataset data = {0};
    make_folder("0");
    make_folder("1");
    write_bytes("0/a.bin", early, sizeof early);
    write_bytes("0/b.bin", late, sizeof late);
    write_bytes("1/a.bin", late, sizeof late);
    assert_ok(load(&data, "{type: events-folder, path: %s, bins: 2, window: 0.2501, shrink: 17}",
                   folder));
    ck_assert(data.x.rows == 3 && data.x.cols == 2 * 8 && data.n_classes == 2);
    ck_assert(data.label[0] == 0 && data.label[1] == 0 && data.label[2] == 1);
    ck_assert_str_eq(data.class_name[1], "1");
    static const float first[16] = {[0] = 1, [7] = 1}, second[16] = {[0] = 1, [8] = 1};
    ck_assert_mem_eq(data.x.data, first, sizeof first);
    ck_assert_mem_eq(data.x.data + 16, second, sizeof second);
    et_dataset_destroy(&data);

    assert_ok(load(&data,
                   "{type: events-folder, path: %s, path_test: %s, files: 1, bins: 1, window: 1, "
                   "polarity: merge}",
                   folder, folder));
    ck_assert(data.x.rows == 4 && data.n_train == 2 && data.x.cols == 34 * 34);
    et_dataset_destroy(&data);

    assert_status(load(&data, "{type: events-folder, path: %s, window: 0.1}", folder), ET_FORMAT);
    assert_message("0/b.bin: spike 1 at 0.1999 s is beyond the window of 0.1 s");
    assert_ok(load(&data, "{type: events-folder, path: %s, window: 0.1, lenient: true}", folder));
    et_dataset_destroy(&data);
    remove_folder("0");
    remove_folder("1");
    assert_status(load(&data, "{type: events-folder, path: %s}", folder), ET_FORMAT);
    assert_message("holds no folder of a class");
}
END_TEST

/* ---- SHD ---- */

static void write_shd(const char *name, const double *time, const int64_t *unit)
{
    size_t start[4] = {0, 3, 3, 5}, n = 3;
    const struct et_store_rows times = {n, start, (void *)(uintptr_t)time};
    const struct et_store_rows units = {n, start, (void *)(uintptr_t)unit};
    const struct et_store_shape shape = {ET_STORE_I64, 1, {3}};
    const int64_t labels[3] = {1, 0, 1};
    struct et_store *store = NULL;
    assert_ok(et_store_create_foreign(in_folder(name), &store));
    assert_ok(et_store_write_rows(store, "/spikes/times", ET_STORE_F64, &times));
    assert_ok(et_store_write_rows(store, "/spikes/units", ET_STORE_I64, &units));
    assert_ok(et_store_write(store, "/labels", shape, labels, NULL, NULL, ET_STABLE));
    assert_ok(et_store_commit(&store));
}

START_TEST(shd_rows_are_loaded)
{
    static const double time[5] = {0.01, 0.3, 0.31, 0.5, 0.99};
    static const int64_t unit[5] = {0, 3, 3, 1, 2};
    struct et_dataset data = {0};
    write_shd("shd.h5", time, unit);
    assert_ok(load(&data,
                   "{type: spikes-hdf5, path: %s, channels: 4, bins: 4, window: 1, count: sum}",
                   in_folder("shd.h5")));
    ck_assert(data.x.rows == 3 && data.x.cols == 16 && data.n_classes == 2);
    static const float want[48] = {[0] = 1, [7] = 2, [32 + 9] = 1, [32 + 14] = 1};
    ck_assert_mem_eq(data.x.data, want, sizeof want);
    et_dataset_destroy(&data);

    static const struct {
        size_t at;
        double time;
        int64_t unit;
        const char *message;
    } cases[] = {
        {1, 0.001, 3, "sample 0: spike 1 at 0.001 s comes before spike 0 at 0.01 s"},
        {3, -0.5, 1, "sample 2: spike 0 has the negative time -0.5 s"},
        {4, 1.25, 1, "sample 2: spike 1 at 1.25 s is beyond the window of 1 s"},
        {4, 0.99, 4, "sample 2: spike 1 is of unit 4; the layer has 4 units"},
        {4, 0.99, -1, "sample 2: spike 1 is of unit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double bad_time[5];
        int64_t bad_unit[5];
        memcpy(bad_time, time, sizeof time);
        memcpy(bad_unit, unit, sizeof unit);
        bad_time[cases[i].at] = cases[i].time;
        bad_unit[cases[i].at] = cases[i].unit;
        write_shd("bad.h5", bad_time, bad_unit);
        assert_status(load(&data, "{type: spikes-hdf5, path: %s, channels: 4, bins: 4, window: 1}",
                           in_folder("bad.h5")),
                      ET_FORMAT);
        assert_message(cases[i].message);
        assert_message("bad.h5");
    }
    assert_status(load(&data, "{type: spikes-hdf5, path: %s, times: /labels}", in_folder("shd.h5")),
                  ET_FORMAT);
    assert_message("are not rows of variable length");
}
END_TEST

/* ---- NIRData ---- */

START_TEST(recordings_come_back)
{
    static float values[2 * 3 * 2] = {[0] = 1, [3] = 1, [4] = 1, [11] = 1};
    const struct et__nir_data gridded = {
        .n_samples = 2, .n_neurons = 2, .n_steps = 3, .dt = 1e-3, .spikes = true, .values = values};
    struct et__nir_data events, valued, read;
    double weights[6] = {1, 2, 3, 4, 0, 0};
    const int64_t labels[2] = {1, 0};
    const struct et_store_shape shape = {ET_STORE_I64, 1, {2}};
    assert_ok(et__nir_data_to_events(&gridded, &events));
    ck_assert_uint_eq(events.n_events, 3);
    valued = events;
    valued.kind = ET__NIR_DATA_VALUED;
    valued.value = weights;
    struct et_store *store = NULL;
    assert_ok(et_store_create_foreign(in_folder("rec.h5"), &store));
    assert_ok(et__nir_data_write(store, "input", "spikes", &gridded));
    assert_ok(et__nir_data_write(store, "input", "events", &events));
    assert_ok(et__nir_data_write(store, "g/lif", "graded", &valued));
    assert_ok(et_store_write(store, "/labels", shape, labels, NULL, NULL, ET_STABLE));
    assert_ok(et_store_commit(&store));

    assert_ok(et_store_open_foreign(in_folder("rec.h5"), &store));
    assert_ok(et__nir_data_read(store, "input", "spikes", &read));
    ck_assert(read.kind == ET__NIR_DATA_GRIDDED && read.spikes && read.dt == 1e-3);
    ck_assert(read.n_samples == 2 && read.n_steps == 3 && read.n_neurons == 2);
    ck_assert_mem_eq(read.values, values, sizeof values);
    et__nir_data_destroy(&read);
    assert_ok(et__nir_data_read(store, "input", "events", &read));
    static const int64_t index[6] = {0, 1, 0, 1, -1, -1};
    ck_assert_mem_eq(read.index, index, sizeof index);
    ck_assert_mem_eq(read.time, events.time, 6 * sizeof(double));
    ck_assert_double_eq(read.time[1], 2e-3);
    ck_assert(isinf(read.time[5]) && read.t_max == 3e-3 && read.value == NULL);
    et__nir_data_destroy(&read);
    assert_ok(et__nir_data_read(store, "g/lif", "graded", &read));
    ck_assert_mem_eq(read.value, weights, sizeof weights);
    et__nir_data_destroy(&read);
    assert_status(et__nir_data_read(store, "lif", "graded", &read), ET_MISSING);
    assert_status(et__nir_data_read(store, "g", "graded", &read), ET_FORMAT);
    assert_message("__type__ is 'NIRGraphData', not 'NIRNodeData'");
    et_store_close(store);
    et__nir_data_destroy(&events);

    /* The grid and its events give the same frames. */
    struct et_dataset grid = {0}, list = {0};
    assert_ok(load(&grid, "{type: spikes-hdf5, format: nir-data, path: %s, bins: 3}",
                   in_folder("rec.h5")));
    assert_ok(load(&list,
                   "{type: spikes-hdf5, format: nir-data, path: %s, bins: 3, observable: events, "
                   "window: 3e-3}",
                   in_folder("rec.h5")));
    ck_assert(grid.x.cols == 6 && grid.label[0] == 1);
    ck_assert_mem_eq(grid.x.data, values, sizeof values);
    ck_assert_mem_eq(list.x.data, values, sizeof values);
    et_dataset_destroy(&list);

    /* and back: only zeros and ones are events, and frames must be of equal size */
    const char *again = in_folder("again.h5");
    assert_ok(et_dataset_write_recording(&grid, again, 3, 1e-3, true));
    assert_ok(load(&list, "{type: spikes-hdf5, format: nir-data, path: %s, bins: 3, window: 3e-3}",
                   again));
    ck_assert_mem_eq(list.x.data, values, sizeof values);
    et_dataset_destroy(&list);
    assert_status(et_dataset_write_recording(&grid, again, 4, 1e-3, true), ET_INVALID);
    assert_message("6 features are no 4 frames of equal size");
    assert_status(et_dataset_write_recording(&grid, again, 3, 0, true), ET_INVALID);
    assert_message("a step of 0 s is not above 0");
    grid.x.data[0] = 2;
    assert_status(et_dataset_write_recording(&grid, again, 3, 1e-3, true), ET_UNSUPPORTED);
    assert_message("numbers other than 0 and 1");
    assert_ok(et_dataset_write_recording(&grid, again, 3, 1e-3, false));
    assert_ok(load(&list, "{type: spikes-hdf5, format: nir-data, path: %s, bins: 3}", again));
    ck_assert_float_eq(list.x.data[0], 2);
    et_dataset_destroy(&list);
    et_dataset_destroy(&grid);
}
END_TEST

START_TEST(bad_recordings_are_named)
{
    static const struct {
        int64_t index;
        double time, t_max;
        const char *message;
    } cases[] = {
        {2, 0.5, 1, "sample 0, event 1: neuron 2 is not below n_neurons = 2"},
        {-2, 0.5, 1, "sample 0, event 1: neuron -2 is not below n_neurons = 2"},
        {1, INFINITY, 1, "sample 0, event 1: time inf of neuron 1"},
        {1, 0.5, 0, "t_max = 0 is not a number above 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t index[2] = {0, cases[i].index};
        double time[2] = {0.25, cases[i].time};
        const struct et__nir_data data = {.kind = ET__NIR_DATA_EVENTS,
                                          .n_samples = 1,
                                          .n_neurons = 2,
                                          .n_events = 2,
                                          .t_max = cases[i].t_max,
                                          .index = index,
                                          .time = time};
        struct et__nir_data read;
        struct et_store *store = NULL;
        assert_ok(et_store_create_foreign(in_folder("rec.h5"), &store));
        assert_ok(et__nir_data_write(store, "n", "o", &data));
        assert_ok(et_store_commit(&store));
        assert_ok(et_store_open_foreign(in_folder("rec.h5"), &store));
        assert_status(et__nir_data_read(store, "n", "o", &read), ET_FORMAT);
        assert_message(cases[i].message);
        et_store_close(store);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spikes");
    TCase *tests = tcase_create("spikes");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, spikes_fall_into_their_bins);
    tcase_add_test(tests, spikes_out_of_place_are_named);
    tcase_add_test(tests, nmnist_events_are_decoded);
    tcase_add_test(tests, aedat_events_are_decoded);
    tcase_add_test(tests, bad_aedat_is_named);
    tcase_add_test(tests, folders_of_events_are_loaded);
    tcase_add_test(tests, shd_rows_are_loaded);
    tcase_add_test(tests, recordings_come_back);
    tcase_add_test(tests, bad_recordings_are_named);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
