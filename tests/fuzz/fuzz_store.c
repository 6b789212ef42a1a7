/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's reader on two kinds of input.
 *
 * Input that starts with the HDF5 signature is a run file as it is: et_store_open.
 * Any other input is a recipe, see enum step: it is built into a file by HDF5 itself, the bytes of
 * its data may be changed afterwards, and the result goes to et_store_open_foreign.
 *
 * What this cannot show: libhdf5 1.10.8 crashes by itself, within seconds of plain mutation, on
 * classic-format files whose metadata are hostile (uninitialised link tables, unchecked sizes of
 * its own allocations).  Run files are safe from chance damage, since only the format whose
 * metadata carry checksums is accepted; a data set from an unknown source is as safe as HDF5. */
#include <etalon/store.h>

#include <hdf5.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* HDF5 1.10.8 loses memory whenever the checksum of an object header is wrong. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* ---- reading ---- */

enum { DEPTH_MAX = 4, PATH_SIZE = 512 };

struct walk {
    struct et_store *store;
    const char *group;
    size_t depth;
    size_t *budget; /* members left: links in circles multiply */
};

/* Lists of text, rows of variable length, attributes. */
static void read_ragged(struct et_store *store, const char *path)
{
    struct et_store_texts texts;
    struct et_store_rows rows = {0};
    char *text = NULL;
    size_t n = 0;
    double f = 0;
    if (et_store_read_texts(store, path, &texts) == ET_OK) et_store_texts_destroy(&texts);
    if (et_store_has_rows(store, path, &n) &&
        et_store_read_rows(store, path, ET_STORE_F64, 0, n, &rows) == ET_OK)
        et_store_rows_destroy(&rows);
    if (et_store_read_attribute_text(store, path, "volatile", &text) == ET_OK) et_free(text);
    if (et_store_read_attribute_f64(store, path, "volatile", &f) != ET_OK) et_error_clear();
}

static void read_member(struct et_store *store, const char *path)
{
    struct et_store_shape shape;
    struct et_array array = {0};
    char *text = NULL;
    double f = 0;
    int64_t i = 0;
    if (et_store_shape(store, path, &shape) == ET_OK) {
        if (et_store_read_array(store, path, &array) == ET_OK) et_array_destroy(&array);
        if (et_store_read_f64(store, path, &f) != ET_OK) f = 0;
        if (et_store_read_i64(store, path, &i) != ET_OK) i = 0;
    }
    if (et_store_read_text(store, path, &text) == ET_OK) et_free(text);
    read_ragged(store, path);
}

static bool visit(const char *name, bool is_group, void *user)
{
    const struct walk *walk = user;
    if (*walk->budget == 0) return false;
    --*walk->budget;
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s/%s", walk->group, name) >= PATH_SIZE) return true;
    struct walk inner = {walk->store, path, walk->depth + 1, walk->budget};
    if (!is_group)
        read_member(walk->store, path);
    else if (inner.depth <= DEPTH_MAX && et_store_each(walk->store, path, visit, &inner) != ET_OK)
        et_error_clear();
    return true;
}

static void walk_and_digest(struct et_store *store)
{
    uint64_t digest = 0;
    size_t budget = 200;
    struct walk walk = {store, "", 0, &budget};
    if (et_store_each(store, "/", visit, &walk) != ET_OK) et_error_clear();
    if (et_store_digest(store, &digest) != ET_OK) et_error_clear();
    et_store_close(store);
}

/* ---- recipes ---- */

enum step {
    NUMBERS, /* format, rank, rank dims, chunk or 0, filter */
    TEXT,    /* length */
    VARIABLE_TEXT,
    GROUP, /* the next steps happen inside */
    LEAVE,
    LINK,  /* kind of link */
    MARK,  /* the attribute `volatile` in a format: of the last dataset */
    PATCH, /* place (2 bytes), value: of the last contiguous data, or of the text behind them */
    TEXTS, /* number, chunk or 0, filter */
    ROWS,  /* format, number, chunk or 0, filter */
    LABEL, /* the attribute `volatile` as variable text: of the last dataset */
    STEP_KINDS
};

enum { STEPS_MAX = 32, HEAP_SIZE = 4096 };

struct recipe {
    const uint8_t *bytes;
    size_t left;
    hid_t file, group;
    unsigned serial;
    char last[32];
    struct patch {
        uint64_t at, size, place;
        bool is_text;
        uint8_t value;
    } patches[STEPS_MAX];
    size_t n_patches;
};

static uint8_t next(struct recipe *recipe)
{
    if (recipe->left == 0) return 0;
    recipe->left--;
    return *recipe->bytes++;
}

static hid_t number_format(uint8_t choice)
{
    const hid_t formats[] = {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I8LE,  H5T_STD_U16BE,
                             H5T_STD_I32LE,  H5T_STD_U64LE,  H5T_STD_B16LE, H5T_STD_REF_OBJ,
                             H5T_UNIX_D32LE, H5T_IEEE_F32BE};
    return formats[choice % (sizeof formats / sizeof formats[0])];
}

/* Small numbers are themselves, the others are spread up to 2^62. */
static hsize_t extent(uint8_t code)
{
    return code < 128 ? code : ((hsize_t)1 << (code - 128) % 63) + code % 3;
}

static hid_t storage(struct recipe *recipe, int rank)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    uint8_t chunk = next(recipe), filter = next(recipe);
    if (chunk > 0 && rank > 0) {
        hsize_t dims[8];
        for (int i = 0; i < rank; i++)
            dims[i] = extent(chunk);
        H5Pset_chunk(plist, rank, dims);
        if (filter & 1) H5Pset_shuffle(plist);
        if (filter & 2) H5Pset_deflate(plist, 1);
        if (filter & 4) H5Pset_fletcher32(plist);
        if (filter & 8) H5Pset_nbit(plist);
        if (filter & 16) H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    } else if (filter & 1) {
        H5Pset_layout(plist, H5D_COMPACT);
    } else if (filter & 2) {
        H5Pset_external(plist, "/dev/null", 0, H5F_UNLIMITED);
    }
    return plist;
}

static void add_dataset(struct recipe *recipe, hid_t type, hid_t space, hid_t plist,
                        const void *data)
{
    snprintf(recipe->last, sizeof recipe->last, "d%u", recipe->serial++);
    hid_t id =
        H5Dcreate2(recipe->group, recipe->last, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    hsize_t dims[8] = {0}, chunk[8] = {0}, count = 1;
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    for (int i = 0; i < rank && count <= 256; i++)
        count *= dims[i] <= 256 ? dims[i] : 257;
    if (H5Pget_layout(plist) == H5D_CHUNKED) H5Pget_chunk(plist, 8, chunk);
    /* A chunk is allocated whole, so a large one stays unwritten. */
    if (id >= 0 && rank >= 0 && count <= 256 && chunk[0] < 128)
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    if (id >= 0) H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
}

static void add_numbers(struct recipe *recipe)
{
    static const uint8_t values[256 * 8] = {1, 2, 3};
    hsize_t dims[8], limits[8];
    hid_t type = number_format(next(recipe));
    int rank = next(recipe) % 7;
    for (int i = 0; i < rank; i++) {
        dims[i] = extent(next(recipe));
        limits[i] = H5S_UNLIMITED;
    }
    hid_t plist = storage(recipe, rank);
    bool chunked = H5Pget_layout(plist) == H5D_CHUNKED;
    hid_t space =
        rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, chunked ? limits : NULL);
    if (space < 0) space = H5Screate(H5S_NULL);
    add_dataset(recipe, type, space, plist, values);
}

static void add_text(struct recipe *recipe, bool variable)
{
    static const char letters[257] = "letters";
    const char *pointer = letters;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, variable ? H5T_VARIABLE : (size_t)next(recipe) + 1);
    add_dataset(recipe, type, H5Screate(H5S_SCALAR), H5Pcreate(H5P_DATASET_CREATE),
                variable ? (const void *)&pointer : letters);
    H5Tclose(type);
}

/* HDF5 itself crashes when it writes variable lengths through n-bit. */
static hid_t ragged_storage(struct recipe *recipe)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = next(recipe);
    uint8_t filter = next(recipe);
    if (chunk == 0) return plist;
    H5Pset_chunk(plist, 1, &chunk);
    if (filter & 2) H5Pset_deflate(plist, 1);
    if (filter & 4) H5Pset_fletcher32(plist);
    return plist;
}

static void add_texts(struct recipe *recipe)
{
    static const char *const words[4] = {"one", "two", "", "and a longer one"};
    const char *text[256];
    hsize_t n = next(recipe);
    for (size_t i = 0; i < 256; i++)
        text[i] = words[i % 4];
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    add_dataset(recipe, type, H5Screate_simple(1, &n, NULL), ragged_storage(recipe), text);
    H5Tclose(type);
}

static void add_rows(struct recipe *recipe)
{
    static uint8_t values[64 * 8] = {1, 2, 3, 4, 5};
    hvl_t row[256];
    hid_t type = H5Tvlen_create(number_format(next(recipe)));
    hsize_t n = next(recipe);
    for (size_t i = 0; i < 256; i++)
        row[i] = (hvl_t){i % 9, values};
    add_dataset(recipe, type, H5Screate_simple(1, &n, NULL), ragged_storage(recipe), row);
    H5Tclose(type);
}

static void add_label(struct recipe *recipe)
{
    const char *text = "a label";
    if (H5Lexists(recipe->group, recipe->last, H5P_DEFAULT) <= 0) return;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t id = H5Acreate_by_name(recipe->group, recipe->last, "volatile", type, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0) {
        H5Awrite(id, type, &text);
        H5Aclose(id);
    }
    H5Sclose(space);
    H5Tclose(type);
}

static void enter(struct recipe *recipe)
{
    char name[32];
    snprintf(name, sizeof name, "g%u", recipe->serial++);
    hid_t inner = H5Gcreate2(recipe->group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (inner < 0) return;
    H5Gclose(recipe->group);
    recipe->group = inner;
}

static void leave(struct recipe *recipe)
{
    H5Gclose(recipe->group);
    recipe->group = H5Gopen2(recipe->file, "/", H5P_DEFAULT);
}

static void add_link(struct recipe *recipe)
{
    char name[32];
    snprintf(name, sizeof name, "l%u", recipe->serial++);
    switch (next(recipe) % 4) {
    case 0:
        H5Lcreate_hard(recipe->group, ".", recipe->group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 1:
        H5Lcreate_hard(recipe->file, "/", recipe->group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Lcreate_soft("/d0", recipe->group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 3:
        H5Lcreate_external("none.h5", "/", recipe->group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    }
}

static void add_mark(struct recipe *recipe)
{
    const int64_t one = 1;
    hid_t type = number_format(next(recipe));
    if (H5Lexists(recipe->group, recipe->last, H5P_DEFAULT) <= 0) return;
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5Acreate_by_name(recipe->group, recipe->last, "volatile", type, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0) {
        H5Awrite(id, type, &one);
        H5Aclose(id);
    }
    H5Sclose(space);
}

static void add_patch(struct recipe *recipe)
{
    struct patch patch = {.place = next(recipe)};
    patch.place += (uint64_t)next(recipe) << 8;
    patch.value = next(recipe);
    if (recipe->n_patches == STEPS_MAX || recipe->last[0] == '\0' ||
        H5Lexists(recipe->group, recipe->last, H5P_DEFAULT) <= 0)
        return;
    hid_t id = H5Dopen2(recipe->group, recipe->last, H5P_DEFAULT);
    hid_t type = H5Dget_type(id);
    haddr_t at = H5Dget_offset(id);
    patch.at = at;
    patch.size = H5Dget_storage_size(id);
    patch.is_text = H5Tis_variable_str(type) > 0 || H5Tget_class(type) == H5T_VLEN;
    H5Tclose(type);
    H5Dclose(id);
    if (at != HADDR_UNDEF && patch.size > 0 && patch.size <= HEAP_SIZE)
        recipe->patches[recipe->n_patches++] = patch;
}

/* Only what the store itself decodes is changed: values, references to text, and the heap in
 * which the text lies. */
static void apply_patches(struct recipe *recipe, const char *path)
{
    int fd = open(path, O_RDWR);
    if (fd < 0) return;
    for (size_t i = 0; i < recipe->n_patches; i++) {
        struct patch *patch = &recipe->patches[i];
        uint64_t heap = 0;
        if (patch->is_text && patch->place >= patch->size &&
            pread(fd, &heap, sizeof heap, (off_t)patch->at + 4) == sizeof heap && heap > 0)
            patch->at = heap + (patch->place - patch->size) % HEAP_SIZE;
        else
            patch->at += patch->place % patch->size;
    }
    for (size_t i = 0; i < recipe->n_patches; i++)
        if (pwrite(fd, &recipe->patches[i].value, 1, (off_t)recipe->patches[i].at) != 1) break;
    close(fd);
}

static void do_step(struct recipe *recipe)
{
    switch ((enum step)(next(recipe) % STEP_KINDS)) {
    case NUMBERS:
        add_numbers(recipe);
        break;
    case TEXT:
        add_text(recipe, false);
        break;
    case VARIABLE_TEXT:
        add_text(recipe, true);
        break;
    case GROUP:
        enter(recipe);
        break;
    case LEAVE:
        leave(recipe);
        break;
    case LINK:
        add_link(recipe);
        break;
    case MARK:
        add_mark(recipe);
        break;
    case PATCH:
        add_patch(recipe);
        break;
    case TEXTS:
        add_texts(recipe);
        break;
    case ROWS:
        add_rows(recipe);
        break;
    case LABEL:
        add_label(recipe);
        break;
    case STEP_KINDS:
        break;
    }
}

static void build(const char *path, const uint8_t *data, size_t size)
{
    struct recipe recipe = {.bytes = data, .left = size};
    recipe.file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    recipe.group = H5Gopen2(recipe.file, "/", H5P_DEFAULT);
    for (size_t i = 0; i < STEPS_MAX && recipe.left > 0; i++)
        do_step(&recipe);
    H5Gclose(recipe.group);
    H5Fclose(recipe.file);
    apply_patches(&recipe, path);
}

/* HDF5 resolves the real path of what it opens, so a file without a name will not do. */
static bool write_input(char *path, const uint8_t *data, size_t size)
{
    int fd = mkstemp(path);
    if (fd < 0) return false;
    bool written = write(fd, data, size) == (ssize_t)size;
    close(fd);
    return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t signature[4] = {0x89, 'H', 'D', 'F'};
    char path[] = "/tmp/etalon-fuzz-XXXXXX";
    struct et_store *store = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!write_input(path, data, size)) return 0;
    bool is_file = size >= 4 && memcmp(data, signature, 4) == 0;
    if (!is_file) build(path, data, size);
    if ((is_file ? et_store_open : et_store_open_foreign)(path, &store) == ET_OK)
        walk_and_digest(store);
    unlink(path);
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) abort();
    return 0;
}
