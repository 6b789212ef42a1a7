/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings in a folder: names, windows, levels, rates, and every kind of file that is none.
 * All files are written by the test itself, byte by byte. */
#include <math.h>
#include <stdint.h>
#include <sys/stat.h>

#include "training/sound.h"
#include "unit/data_folder.h"

enum { PCM = 1, FLOATS = 3, RATE = 16000, HEADER = 44 };

static unsigned char bytes[1 << 17];

static void put(size_t at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[at + i] = (unsigned char)(value >> 8 * i);
}

/* A RIFF file of n frames; the caller has put the samples behind HEADER. */
static void write_wav(const char *name, unsigned format, unsigned channels, unsigned rate,
                      unsigned bits, size_t n)
{
    uint32_t size = (uint32_t)(n * channels * bits / 8);
    memcpy(bytes, "RIFF....WAVEfmt ", 16);
    memcpy(bytes + 36, "data", 4);
    put(4, size + HEADER - 8, 4);
    put(16, 16, 4);
    put(20, format, 2);
    put(22, channels, 2);
    put(24, rate, 4);
    put(28, rate * channels * bits / 8, 4);
    put(32, channels * bits / 8, 2);
    put(34, bits, 2);
    put(40, size, 4);
    write_bytes(name, bytes, HEADER + size);
}

/* 16-bit mono: sample i is first + i * step. */
static void write_ramp(const char *name, size_t n, int first, int step)
{
    for (size_t i = 0; i < n; i++)
        put(HEADER + 2 * i, (uint32_t)(first + (int)i * step), 2);
    write_wav(name, PCM, 1, RATE, 16, n);
}

static void write_tone(const char *name, size_t n, unsigned rate, double frequency)
{
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate;
        put(HEADER + 2 * i, (uint32_t)lround(16000 * sin(6.283185307179586 * frequency * t)), 2);
    }
    write_wav(name, PCM, 1, rate, 16, n);
}

static void write_vowels(void)
{
    static const char *const names[] = {"m10ae.wav", "m02iy.wav", "w01ae.wav",
                                        "m02ae.wav", "w01iy.wav", "m10iy.wav"};
    for (size_t i = 0; i < 6; i++)
        write_ramp(names[i], 40, 100 * (int)(i + 1), 1);
    write_text("LICENSE.md", "not a sound\n");
    write_text(".hidden.wav", "not a sound\n");
}

#define FOLDER "path: '%s', normalise: none, samples: "

START_TEST(names_give_classes_and_groups)
{
    struct et_dataset d = {0};
    write_vowels();
    assert_ok(load(&d, "{type: wav-folder, " FOLDER "40}", folder));
    static const int32_t labels[] = {0, 1, 0, 1, 0, 1}, groups[] = {0, 0, 1, 1, 2, 2};
    static const int first[] = {400, 200, 100, 600, 300, 500};
    ck_assert_uint_eq(d.x.rows, 6);
    ck_assert_uint_eq(d.x.cols, 40);
    ck_assert_uint_eq(d.n_classes, 2);
    ck_assert_str_eq(d.class_name[0], "ae");
    ck_assert_str_eq(d.class_name[1], "iy");
    ck_assert_mem_eq(d.label, labels, sizeof labels);
    ck_assert_mem_eq(d.group, groups, sizeof groups);
    for (size_t r = 0; r < 6; r++)
        for (size_t i = 0; i < 40; i++)
            ck_assert(d.x.data[r * 40 + i] == (float)(first[r] + (int)i) / 32768.0F);
    et_dataset_destroy(&d);
}
END_TEST

START_TEST(patterns_classes_and_groups_select)
{
    struct et_dataset d = {0};
    write_vowels();
    write_ramp("m02ow.wav", 40, 7, 0);
    assert_ok(load(&d, "{type: wav-folder, classes: [iy, ae], " FOLDER "40}", folder));
    ck_assert_uint_eq(d.x.rows, 6);
    ck_assert_int_eq(d.label[0], 1);
    ck_assert_str_eq(d.class_name[0], "iy");
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, classes: [iy, ae], groups: 2, " FOLDER "40}", folder));
    ck_assert_uint_eq(d.x.rows, 4); /* m02, m10 of m02, m10, w01 */
    ck_assert_int_eq(d.group[3], 1);
    ck_assert(d.x.data[3 * 40] == 600 / 32768.0F);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, groups: 9, " FOLDER "40}", folder));
    ck_assert_uint_eq(d.x.rows, 7);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, label: '^(.)', group: '', " FOLDER "40}", folder));
    ck_assert_ptr_null(d.group);
    ck_assert_str_eq(d.class_name[1], "w");
    et_dataset_destroy(&d);
}
END_TEST

static const struct {
    const char *settings;
    enum et_status status;
    const char *message;
} refusals[] = {
    {"label: 'a('", ET_CONFIG, "'a(' is no regular expression: "},
    {"group: 'm'", ET_CONFIG, "'m' has no group in parentheses"},
    {"files: '['", ET_CONFIG, "'[' is no regular expression: "},
    {"files: 'mp3$'", ET_FORMAT, "fits the pattern `files`, 'mp3$'"},
    {"group: '^(m.*)[.]'", ET_FORMAT,
     "file 'w01ae.wav' does not fit the pattern of its group, '^(m.*)[.]'"},
    {"label: '^m(x*)|w'", ET_FORMAT, "finds 0 characters"},
    {"classes: [ae, oo]", ET_CONFIG, "no file is of class 'oo'"},
    {"classes: [ae, ae]", ET_CONFIG, "class 'ae' is listed twice"},
    {"group: '', groups: 2", ET_CONFIG, "groups needs a pattern"},
    {"classes: [ae]", ET_FORMAT, "1 class; at least 2"},
};

START_TEST(bad_patterns_and_names_are_refused)
{
    struct et_dataset d = {0};
    write_vowels();
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        assert_status(
            load(&d, "{type: wav-folder, %s, " FOLDER "40}", refusals[i].settings, folder),
            refusals[i].status);
        assert_message(refusals[i].message);
    }
    for (int i = 0; i < 27; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%dx.wav", i);
        write_ramp(name, 1, 0, 0);
    }
    assert_status(load(&d, "{type: wav-folder, short: pad, " FOLDER "10000000}", folder),
                  ET_CONFIG);
    assert_message("33 files of 10000000 samples are more than 268435456 numbers");
}
END_TEST

START_TEST(no_such_folder_says_what_to_set)
{
    struct et_dataset d = {0};
    assert_status(load(&d, "{type: wav-folder, path: '${ETALON_DATA}/no/such'}"), ET_MISSING);
    assert_message("set ETALON_DATA");
    write_vowels();
    assert_status(load(&d, "{type: wav-folder, path: '%s'}", in_folder("m02ae.wav")), ET_IO);
    assert_message("cannot list");
}
END_TEST

START_TEST(windows_lie_where_they_are_asked_for)
{
    struct et_dataset d = {0};
    for (size_t i = 0; i < 100; i++)
        put(HEADER + 2 * i, (uint32_t)(i >= 70 && i < 80 ? 9000 : (int)i), 2);
    write_wav("m1a.wav", PCM, 1, RATE, 16, 100);
    write_ramp("m1b.wav", 9, 5, 0);
    const float unit = 1 / 32768.0F;
    assert_ok(load(&d, "{type: wav-folder, short: pad, " FOLDER "10}", folder));
    ck_assert(d.x.data[0] == 45 * unit && d.x.data[9] == 54 * unit);
    ck_assert(d.x.data[10] == 5 * unit && d.x.data[18] == 5 * unit && d.x.data[19] == 0);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, short: pad, position: start, " FOLDER "10}", folder));
    ck_assert(d.x.data[0] == 0 && d.x.data[9] == 9 * unit);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, short: pad, position: loudest, " FOLDER "10}", folder));
    ck_assert(d.x.data[0] == 9000 * unit && d.x.data[9] == 9000 * unit);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, short: pad, " FOLDER "12}", folder));
    ck_assert(d.x.data[12] == 0 && d.x.data[13] == 5 * unit && d.x.data[21] == 5 * unit);
    ck_assert(d.x.data[22] == 0 && d.x.data[23] == 0);
    et_dataset_destroy(&d);
    assert_status(load(&d, "{type: wav-folder, " FOLDER "12}", folder), ET_FORMAT);
    assert_message("m1b.wav' has 9 samples at 16000 Hz, fewer than the window's 12");
}
END_TEST

START_TEST(high_frequencies_are_lifted)
{
    struct et_dataset d = {0};
    write_ramp("m1a.wav", 50, 100, 10);
    write_ramp("m1b.wav", 50, 100, 0);
    assert_ok(load(&d, "{type: wav-folder, emphasis: 0.5, position: start, " FOLDER "50}", folder));
    for (int i = 1; i < 50; i++) {
        ck_assert(d.x.data[i] == (float)(55 + 5 * i) / 32768.0F);
        ck_assert(d.x.data[50 + i] == 50 / 32768.0F);
    }
    ck_assert(d.x.data[0] == 100 / 32768.0F);
    et_dataset_destroy(&d);
}
END_TEST

START_TEST(levels_and_fades)
{
    struct et_dataset d = {0};
    write_ramp("m1a.wav", 101, -50, 1);
    write_ramp("m1b.wav", 101, 700, 0);
    assert_ok(load(&d, "{type: wav-folder, path: '%s', samples: 101}", folder));
    ck_assert_float_eq_tol(d.x.data[0], -1, 1e-6F);
    ck_assert_float_eq_tol(d.x.data[101], 1, 1e-6F);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, path: '%s', samples: 101, normalise: rms, level: 0.1}",
                   folder));
    double squares = 0;
    for (size_t i = 0; i < 101; i++)
        squares += (double)d.x.data[i] * (double)d.x.data[i];
    ck_assert_double_eq_tol(sqrt(squares / 101), 0.1, 1e-7);
    et_dataset_destroy(&d);
    assert_ok(load(&d, "{type: wav-folder, path: '%s', samples: 101, fade: 0.00125}", folder));
    ck_assert_float_eq_tol(d.x.data[101], (float)(0.5 * (1 - cos(0.025 * 3.14159265))), 1e-6F);
    ck_assert_float_eq_tol(d.x.data[201], d.x.data[101], 1e-9F);
    ck_assert_float_eq_tol(d.x.data[101 + 50], 1, 1e-6F);
    et_dataset_destroy(&d);
    write_ramp("m1c.wav", 101, 0, 0);
    assert_status(load(&d, "{type: wav-folder, path: '%s', samples: 101}", folder), ET_FORMAT);
    assert_message("m1c.wav' is silent in its window of 101 samples");
}
END_TEST

/* A tone of 1 kHz sampled at 16 kHz, seen at 10 kHz, is the tone sampled at 10 kHz. */
START_TEST(other_rates_are_resampled)
{
    struct et_dataset d = {0};
    write_tone("m1a.wav", 8000, RATE, 1000);
    write_tone("m1b.wav", 5000, 10000, 1000);
    assert_ok(load(&d, "{type: wav-folder, rate: 10000, position: start, " FOLDER "4000}", folder));
    for (size_t i = 500; i < 3500; i++)
        ck_assert_float_eq_tol(d.x.data[i], d.x.data[4000 + i], 2e-4F);
    et_dataset_destroy(&d);
    assert_status(load(&d, "{type: wav-folder, rate: 10, " FOLDER "4}", folder), ET_INVALID);
    assert_message("resampling to 10 Hz is out of reach");
    struct et__sound from = {NULL, 1 << 20, 1}, to = {0};
    assert_status(et__sound_resample("x", &from, 200, &to), ET_FORMAT);
    assert_message("'x' has 2.09715e+08 frames at 200 Hz");
}
END_TEST

START_TEST(channels_are_averaged)
{
    struct et__sound sound = {0};
    for (size_t i = 0; i < 10; i++) {
        put(HEADER + 4 * i, (uint32_t)(100 * i), 2);
        put(HEADER + 4 * i + 2, 50, 2);
    }
    write_wav("two.wav", PCM, 2, 8000, 16, 10);
    assert_ok(et__sound_read(in_folder("two.wav"), &sound));
    ck_assert_uint_eq(sound.n, 10);
    ck_assert(sound.rate == 8000 && sound.sample[4] == (float)(225 / 32768.0));
    et__sound_destroy(&sound);
    memset(bytes + HEADER, 0, 2 * 65 * 4);
    write_wav("many.wav", PCM, 65, 8000, 16, 4);
    assert_status(et__sound_read(in_folder("many.wav"), &sound), ET_FORMAT);
    assert_message("many.wav' has 65 channels; at most 64 are averaged");
}
END_TEST

START_TEST(files_that_are_no_sound_are_named)
{
    struct et__sound sound = {0};
    write_text("none.wav", "Once upon a time there was a text.\n");
    write_text("empty.wav", "");
    assert_status(et__sound_read(in_folder("none.wav"), &sound), ET_FORMAT);
    assert_message("none.wav' as sound: ");
    assert_status(et__sound_read(in_folder("empty.wav"), &sound), ET_FORMAT);
    assert_message("empty.wav' is an empty file");
    write_wav("silent.wav", PCM, 1, RATE, 16, 0);
    assert_status(et__sound_read(in_folder("silent.wav"), &sound), ET_FORMAT);
    assert_message("silent.wav' holds no samples");
    assert_status(et__sound_read(in_folder("absent.wav"), &sound), ET_IO);
    assert_status(et__sound_read(folder, &sound), ET_IO);
    assert_message("is not a regular file");
    const float values[] = {0, 0.5F, NAN, 0, INFINITY};
    memcpy(bytes + HEADER, values, sizeof values);
    write_wav("nan.wav", FLOATS, 1, RATE, 32, 5);
    assert_status(et__sound_read(in_folder("nan.wav"), &sound), ET_FORMAT);
    assert_message("nan.wav': frame 2 is not a finite number");
    ck_assert_ptr_null(sound.sample);
    struct et_dataset d = {0};
    write_ramp("m1a.wav", 4, 0, 1);
    write_text("m1b.wav", "RIFF");
    assert_status(load(&d, "{type: wav-folder, files: '^m1', " FOLDER "4}", folder), ET_FORMAT);
    assert_message("m1b.wav' as sound: ");
    assert_message("while loading data set 'wav-folder'");
}
END_TEST

/* Every byte of a header wrong in turn, and every cut of a file: a status, never a crash, and never
 * more samples than there are bytes. */
START_TEST(hostile_files_do_no_harm)
{
    static const unsigned char wrong[] = {0, 1, 0x7f, 0x80, 0xff};
    struct et__sound sound = {0};
    unsigned char good[HEADER + 80];
    write_ramp("a.wav", 40, 1, 3);
    memcpy(good, bytes, sizeof good);
    for (size_t at = 0; at < HEADER; at++) {
        for (size_t w = 0; w < sizeof wrong; w++) {
            unsigned char bad[sizeof good];
            memcpy(bad, good, sizeof good);
            bad[at] = wrong[w];
            write_bytes("b.wav", bad, sizeof bad);
            if (et__sound_read(in_folder("b.wav"), &sound) == ET_OK)
                ck_assert_uint_le(sound.n, 8 * sizeof bad);
            et__sound_destroy(&sound);
        }
    }
    for (size_t size = 1; size < sizeof good; size++) {
        write_bytes("b.wav", good, size);
        if (et__sound_read(in_folder("b.wav"), &sound) == ET_OK) ck_assert_uint_le(sound.n, 40);
        et__sound_destroy(&sound);
    }
}
END_TEST

START_TEST(failing_allocations_leak_nothing)
{
    char yaml[256];
    write_vowels();
    write_tone("m02ae.wav", 200, 8000, 440);
    snprintf(yaml, sizeof yaml, "{type: wav-folder, classes: [iy, ae], groups: 2, " FOLDER "40}",
             folder);
    fail_every_allocation(yaml);
}
END_TEST

/* The recordings of Hillenbrand et al. (1995) as they come. */
START_TEST(real_vowels_load)
{
    struct et_dataset d = {0};
    const char *data = data_folder();
    if (data == NULL) return;
    assert_ok(load(&d,
                   "{type: wav-folder, path: '%s/vowels-audio', classes: [ae, ei, iy], samples: "
                   "1600, groups: 10}",
                   data));
    ck_assert_uint_eq(d.x.rows, 30);
    ck_assert_uint_eq(d.n_classes, 3);
    for (size_t r = 0; r < 30; r++)
        ck_assert_int_eq(d.group[r], (int)r / 3);
    et_dataset_destroy(&d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        names_give_classes_and_groups,
        patterns_classes_and_groups_select,
        bad_patterns_and_names_are_refused,
        no_such_folder_says_what_to_set,
        windows_lie_where_they_are_asked_for,
        high_frequencies_are_lifted,
        levels_and_fades,
        other_rates_are_resampled,
        channels_are_averaged,
        files_that_are_no_sound_are_named,
        hostile_files_do_no_harm,
        failing_allocations_leak_nothing,
        real_vowels_load,
    };
    return run_case("wav_folder", tests, sizeof tests / sizeof *tests);
}
