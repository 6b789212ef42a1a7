/* SPDX-License-Identifier: Apache-2.0
 *
 * IDX files, plain and gzip: good ones, every kind of bad one, and MNIST itself. */
#include "training/file_bytes.h"
#include "training/idx.h"

#include <zlib.h>

#include "unit/data_folder.h"

/* Three images of 2 x 2 and their labels. */
static const unsigned char images[] = {0, 0, 8,   3, 0,  0, 0, 3, 0, 0, 0, 2, 0, 0,
                                       0, 2, 255, 0, 51, 0, 1, 2, 3, 4, 5, 6, 7, 8};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 1};

enum { FIRST_DIM = 7, LAST_DIM = 15 };

/* gzip data of bytes[size]; packed has room for max. */
static size_t gzip(const void *bytes, size_t size, unsigned char *packed, size_t max)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char *copy = malloc(size + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    stream.next_in = copy;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)max;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t n = max - stream.avail_out;
    deflateEnd(&stream);
    free(copy);
    return n;
}

static void refused(const unsigned char *bytes, size_t size, const char *message)
{
    struct et__idx idx;
    assert_status(et__idx_parse("a.idx", bytes, size, &idx), ET_FORMAT);
    assert_message("'a.idx'");
    assert_message(message);
}

START_TEST(good_files_parse)
{
    struct et__idx idx;
    assert_ok(et__idx_parse("a.idx", images, sizeof images, &idx));
    ck_assert_uint_eq(idx.rank, 3);
    ck_assert_uint_eq(idx.dims[0], 3);
    ck_assert_uint_eq(idx.width, 4);
    ck_assert_ptr_eq(idx.data, images + 16);
    assert_ok(et__idx_parse("a.idx", labels, sizeof labels, &idx));
    ck_assert_uint_eq(idx.rank, 1);
    ck_assert_uint_eq(idx.width, 1);
    ck_assert_uint_eq(idx.dims[0], 3);
}
END_TEST

START_TEST(bad_files_are_refused)
{
    unsigned char bad[sizeof images + 1] = {0};
    for (size_t size = 0; size < sizeof images; size++)
        refused(images, size, "is cut");
    memcpy(bad, images, sizeof images);
    refused(bad, sizeof images + 1, "has 1 bytes after its data");
    bad[1] = 1;
    refused(bad, sizeof images, "is not IDX: it starts with 00 01");
    bad[1] = 0;
    bad[2] = 0x0d;
    refused(bad, sizeof images, "element type 0x0d");
    bad[2] = 8;
    bad[3] = 0;
    refused(bad, sizeof images, "rank 0");
    bad[3] = 5;
    refused(bad, sizeof images, "rank 5");
    bad[3] = 3;
    bad[FIRST_DIM] = 0;
    refused(bad, sizeof images, "its size 1 is 0");
    bad[FIRST_DIM] = 3;
    bad[LAST_DIM] = 0;
    refused(bad, sizeof images, "its size 3 is 0");
    /* 2^32 - 1 in every dimension: the product overflows 64 bits. */
    memset(bad + 4, 0xff, 12);
    refused(bad, sizeof images, "is cut");
    memset(bad + 4, 0, 12);
    bad[4] = 0x80;
    bad[FIRST_DIM + 4] = bad[LAST_DIM] = 1;
    refused(bad, sizeof images, "is cut: 2147483648 elements of 1 bytes announced");
}
END_TEST

START_TEST(gzip_unpacks)
{
    unsigned char packed[256], twice[512];
    struct et__bytes bytes = {0};
    size_t n = gzip(images, sizeof images, packed, sizeof packed);
    ck_assert(et__bytes_packed(packed, n));
    ck_assert(!et__bytes_packed(images, sizeof images));
    assert_ok(et__bytes_unpack("a.gz", packed, n, sizeof images, &bytes));
    ck_assert_uint_eq(bytes.size, sizeof images);
    ck_assert_mem_eq(bytes.data, images, sizeof images);
    et__bytes_destroy(&bytes);
    /* Two members are one file. */
    memcpy(twice, packed, n);
    memcpy(twice + n, packed, n);
    assert_ok(et__bytes_unpack("a.gz", twice, 2 * n, 1000, &bytes));
    ck_assert_uint_eq(bytes.size, 2 * sizeof images);
    ck_assert_mem_eq(bytes.data + sizeof images, images, sizeof images);
    et__bytes_destroy(&bytes);
}
END_TEST

START_TEST(gzip_cut_anywhere_is_refused)
{
    unsigned char packed[256];
    struct et__bytes bytes = {0};
    size_t n = gzip(images, sizeof images, packed, sizeof packed);
    for (size_t size = 2; size < n; size++) {
        assert_status(et__bytes_unpack("a.gz", packed, size, 1000, &bytes), ET_FORMAT);
        assert_message("'a.gz' is cut");
        ck_assert_ptr_null(bytes.data);
    }
}
END_TEST

START_TEST(damaged_gzip_is_refused)
{
    unsigned char packed[256];
    struct et__bytes bytes = {0};
    size_t n = gzip(images, sizeof images, packed, sizeof packed);
    packed[n] = 'x';
    assert_status(et__bytes_unpack("a.gz", packed, n + 1, 1000, &bytes), ET_FORMAT);
    assert_message("has 1 bytes after its gzip data");
    packed[n - 5] ^= 1; /* the check sum */
    assert_status(et__bytes_unpack("a.gz", packed, n, 1000, &bytes), ET_FORMAT);
    assert_message("'a.gz' is damaged gzip");
    packed[n - 5] ^= 1;
    packed[2] = 7; /* an unknown method */
    assert_status(et__bytes_unpack("a.gz", packed, n, 1000, &bytes), ET_FORMAT);
    ck_assert_ptr_null(bytes.data);
}
END_TEST

START_TEST(a_gzip_bomb_stops_at_the_limit)
{
    enum { HUGE_SIZE = 1 << 22, LIMIT = 1 << 20 };
    unsigned char *zeros = calloc(1, HUGE_SIZE), *packed = malloc(1 << 16);
    ck_assert(zeros != NULL && packed != NULL);
    struct et__bytes bytes = {0};
    size_t n = gzip(zeros, HUGE_SIZE, packed, 1 << 16);
    assert_status(et__bytes_unpack("a.gz", packed, n, LIMIT, &bytes), ET_FORMAT);
    assert_message("unpacks to more than 1048576 bytes");
    assert_status(et__bytes_unpack("a.gz", packed, n, HUGE_SIZE - 1, &bytes), ET_FORMAT);
    assert_ok(et__bytes_unpack("a.gz", packed, n, HUGE_SIZE, &bytes));
    ck_assert_uint_eq(bytes.size, HUGE_SIZE);
    et__bytes_destroy(&bytes);
    /* A small announced size is only a first guess. */
    memset(packed + n - 4, 0, 4);
    packed[n - 4] = 1;
    assert_status(et__bytes_unpack("a.gz", packed, n, HUGE_SIZE, &bytes), ET_FORMAT);
    assert_message("damaged gzip");
    free(zeros);
    free(packed);
}
END_TEST

/* The pair of files as x.idx and y.idx, and a loader for them with more YAML. */
static void write_pair(void)
{
    write_bytes("x.idx", images, sizeof images);
    write_bytes("y.idx", labels, sizeof labels);
}

static enum et_status load_pair(struct et_dataset *dataset, const char *more)
{
    return load(dataset, "{type: idx, images: %s, labels: %s%s}", in_folder("x.idx"),
                in_folder("y.idx"), more);
}

START_TEST(a_pair_loads)
{
    struct et_dataset dataset = {0};
    const float first[] = {1, 0, 0.2F, 0};
    write_pair();
    assert_ok(load_pair(&dataset, ""));
    ck_assert_uint_eq(dataset.x.rows, 3);
    ck_assert_uint_eq(dataset.x.cols, 4);
    ck_assert_uint_eq(dataset.n_classes, 3);
    ck_assert_uint_eq(dataset.n_train, 0);
    assert_close(dataset.x.data, first, 4, 1e-6, 0);
    ck_assert_int_eq(dataset.label[0], 2);
    ck_assert_int_eq(dataset.label[2], 1);
    et_dataset_destroy(&dataset);
    assert_ok(load_pair(&dataset, ", limit: 2, classes: 10"));
    ck_assert_uint_eq(dataset.x.rows, 2);
    ck_assert_uint_eq(dataset.n_classes, 10);
    et_dataset_destroy(&dataset);
}
END_TEST

START_TEST(a_test_part_is_kept)
{
    struct et_dataset dataset = {0};
    unsigned char packed[256];
    char more[300];
    write_pair();
    write_bytes("tx.gz", packed, gzip(images, sizeof images, packed, sizeof packed));
    write_bytes("ty.gz", packed, gzip(labels, sizeof labels, packed, sizeof packed));
    snprintf(more, sizeof more, ", test_images: %s, test_labels: %s, limit: 2, limit_test: 1",
             in_folder("tx.gz"), in_folder("ty.gz"));
    assert_ok(load_pair(&dataset, more));
    ck_assert_uint_eq(dataset.n_train, 2);
    ck_assert_uint_eq(dataset.x.rows, 3);
    ck_assert_int_eq(dataset.label[2], 2);
    ck_assert(dataset.x.data[8] == 1);
    et_dataset_destroy(&dataset);
    snprintf(more, sizeof more, ", test_images: %s", in_folder("tx.gz"));
    assert_status(load_pair(&dataset, more), ET_CONFIG);
    assert_message("test_images and test_labels come together");
}
END_TEST

START_TEST(bad_pairs_are_refused)
{
    struct et_dataset dataset = {0};
    unsigned char bad[64], packed[256];
    write_pair();
    assert_status(load_pair(&dataset, ", classes: 2"), ET_FORMAT);
    assert_message("row 0: label 2 is outside 0 .. 1");
    memcpy(bad, labels, sizeof labels);
    bad[7] = 2;
    write_bytes("y.idx", bad, sizeof labels - 1);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    assert_message("has 3 images, but");
    assert_message("has 2 labels");
    write_bytes("y.idx", images, sizeof images);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    assert_message("has rank 3, labels have 1");
    write_bytes("x.idx", labels, sizeof labels);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    assert_message("has rank 1, images have at least 2");
    write_pair();
    size_t n = gzip(images, sizeof images, packed, sizeof packed);
    write_bytes("x.idx", packed, n / 2);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    assert_message("x.idx' is cut");
    write_bytes("x.idx", "", 0);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    unlink(in_folder("x.idx"));
    assert_status(load_pair(&dataset, ""), ET_MISSING);
    assert_status(load(&dataset, "{type: idx, images: %s, labels: %s}", folder, folder), ET_IO);
    assert_message("is not a regular file");
}
END_TEST

START_TEST(one_class_is_too_few)
{
    struct et_dataset dataset = {0};
    static const unsigned char zeros[] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 0};
    write_pair();
    write_bytes("y.idx", zeros, sizeof zeros);
    assert_status(load_pair(&dataset, ""), ET_FORMAT);
    assert_message("1 class; at least 2");
}
END_TEST

START_TEST(failed_allocations_leave_nothing)
{
    char yaml[512];
    unsigned char packed[256];
    write_pair();
    write_bytes("x.gz", packed, gzip(images, sizeof images, packed, sizeof packed));
    snprintf(yaml, sizeof yaml,
             "{type: idx, images: %s, labels: %s, test_images: %s, "
             "test_labels: %s}",
             in_folder("x.gz"), in_folder("y.idx"), in_folder("x.idx"), in_folder("y.idx"));
    fail_every_allocation(yaml);
}
END_TEST

START_TEST(mnist_is_what_it_is_known_to_be)
{
    if (data_folder() == NULL) return;
    struct et_dataset dataset = {0};
    static const int32_t first[] = {5, 0, 4, 1, 9}, first_test[] = {7, 2, 1, 0, 4};
    assert_ok(load(&dataset, "{type: idx, "
                             "images: '${ETALON_DATA}/mnist/train-images-idx3-ubyte.gz', "
                             "labels: '${ETALON_DATA}/mnist/train-labels-idx1-ubyte.gz', "
                             "test_images: '${ETALON_DATA}/mnist/t10k-images-idx3-ubyte.gz', "
                             "test_labels: '${ETALON_DATA}/mnist/t10k-labels-idx1-ubyte.gz'}"));
    ck_assert_uint_eq(dataset.x.rows, 70000);
    ck_assert_uint_eq(dataset.x.cols, 784);
    ck_assert_uint_eq(dataset.n_train, 60000);
    ck_assert_uint_eq(dataset.n_classes, 10);
    ck_assert_mem_eq(dataset.label, first, sizeof first);
    ck_assert_mem_eq(dataset.label + 60000, first_test, sizeof first_test);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 60000 * (size_t)784; i++) {
        double x = (double)dataset.x.data[i];
        sum += x;
        squares += x * x;
    }
    /* The customary normalisation constants of the training images. */
    double mean = sum / (60000.0 * 784), sd = sqrt(squares / (60000.0 * 784) - mean * mean);
    assert_near(mean, 0.1307, 5e-5);
    assert_near(sd, 0.3081, 5e-5);
    et_dataset_destroy(&dataset);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        good_files_parse,
        bad_files_are_refused,
        gzip_unpacks,
        gzip_cut_anywhere_is_refused,
        damaged_gzip_is_refused,
        a_gzip_bomb_stops_at_the_limit,
        a_pair_loads,
        a_test_part_is_kept,
        bad_pairs_are_refused,
        one_class_is_too_few,
        failed_allocations_leave_nothing,
        mnist_is_what_it_is_known_to_be,
    };
    return run_case("idx", tests, sizeof tests / sizeof *tests);
}
