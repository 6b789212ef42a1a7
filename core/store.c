/* SPDX-License-Identifier: Apache-2.0
 *
 * HDF5 behind one small interface.
 *
 * Writing: the file is built in memory (HDF5's core driver) and reaches the disk in one piece by
 * our own write, fsync and rename.  HDF5 1.10 keeps half-freed objects when its own flush fails on
 * a full disk; here it never sees a disk.  The low bound V18 gives checksums to all metadata.
 *
 * Reading: a file may come from anywhere.  Links other than hard ones, external and virtual
 * storage, filters other than zlib's, odd number formats and sizes that the file cannot hold are
 * refused before HDF5 acts on them. */
#include "store_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_PIECE = 1 << 26 };

static const char layout_name[] = "etalon_layout";

static void destroy(struct et_store *store)
{
    if (store == NULL) return;
    et__store_release(store->link_plist);
    et__store_release(store->group_plist);
    et__store_release(store->dataset_plist);
    et__store_release(store->file);
    if (store->temp_fd >= 0) {
        unlinkat(store->directory, store->temp, 0);
        close(store->temp_fd);
    }
    if (store->directory >= 0) close(store->directory);
    et_free(store->temp);
    et_free(store->path);
    et_free(store);
}

static struct et_store *prepare(const char *path)
{
    struct et_store *store = et_alloc(1, sizeof *store);
    if (store == NULL) return NULL;
    store->file = store->link_plist = store->group_plist = store->dataset_plist = H5I_INVALID_HID;
    store->directory = store->temp_fd = -1;
    store->path = et_strdup(path);
    if (store->path == NULL) {
        destroy(store);
        return NULL;
    }
    const char *slash = strrchr(store->path, '/');
    store->name = slash ? slash + 1 : store->path;
    return store;
}

static enum et_status open_directory(struct et_store *store)
{
    size_t length = (size_t)(store->name - store->path);
    char *folder = et_alloc(length + 2, 1);
    if (folder == NULL) return ET_NOMEM;
    memcpy(folder, store->path, length);
    if (length == 0) folder[0] = '.';
    store->directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    et_free(folder);
    if (store->directory < 0)
        return et_error_set(ET_IO, "%s: cannot open its directory: %s", store->path,
                            strerror(errno));
    struct stat info;
    if (fstatat(store->directory, store->name, &info, 0) == 0 && !S_ISREG(info.st_mode))
        return et_error_set(ET_IO, "%s: exists and is not a regular file", store->path);
    return ET_OK;
}

/* The lock tells a live writer from the leavings of a killed process with the same number. */
static enum et_status open_temp(struct et_store *store)
{
    size_t size = strlen(store->name) + 32;
    store->temp = et_alloc(size, 1);
    if (store->temp == NULL) return ET_NOMEM;
    snprintf(store->temp, size, "%s.tmp-%ld", store->name, (long)getpid());
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(store->directory, store->temp, flags, 0666);
    if (fd < 0 && errno == EEXIST) {
        int old = openat(store->directory, store->temp, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        bool alive = old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (old >= 0) close(old);
        if (alive)
            return et_error_set(ET_IO, "%s: this process is writing it already", store->path);
        unlinkat(store->directory, store->temp, 0);
        fd = openat(store->directory, store->temp, flags, 0666);
    }
    if (fd < 0)
        return et_error_set(ET_IO, "%s: cannot create '%s' beside it: %s", store->path, store->temp,
                            strerror(errno));
    flock(fd, LOCK_EX | LOCK_NB);
    store->temp_fd = fd;
    return ET_OK;
}

/* Equal content gives equal files: no time stamps on any object.  Blocks for later metadata would
 * be gaps in a file that is never changed. */
static enum et_status create_in_memory(struct et_store *store)
{
    static unsigned long serial;
    char name[64];
    /* Below a regular file nothing can exist, so HDF5 never finds a file of this name. */
    snprintf(name, sizeof name, "/dev/null/etalon-%lu", serial++);
    store->link_plist = H5Pcreate(H5P_LINK_CREATE);
    store->group_plist = H5Pcreate(H5P_GROUP_CREATE);
    store->dataset_plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    enum et_status status = ET_OK;
    if (H5Pset_char_encoding(store->link_plist, H5T_CSET_UTF8) < 0 ||
        H5Pset_obj_track_times(store->group_plist, false) < 0 ||
        H5Pset_obj_track_times(store->dataset_plist, false) < 0 ||
        H5Pset_obj_track_times(creation, false) < 0 ||
        H5Pset_fapl_core(access, 1 << 20, false) < 0 || H5Pset_meta_block_size(access, 0) < 0 ||
        H5Pset_small_data_block_size(access, 0) < 0 ||
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        (store->file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access)) < 0)
        status = et__store_failed(ET_IO, store, "", "cannot start an HDF5 file");
    et__store_release(creation);
    et__store_release(access);
    return status;
}

static enum et_status create(const char *path, bool plain, struct et_store **store)
{
    *store = NULL;
    struct et_store *s = prepare(path);
    if (s == NULL) return ET_NOMEM;
    enum et_status status = open_directory(s);
    if (status == ET_OK) status = open_temp(s);
    if (status == ET_OK) status = create_in_memory(s);
    s->bytes = UINT64_MAX;
    s->plain = plain;
    const int32_t layout = ET_STORE_LAYOUT;
    if (status == ET_OK && !plain)
        status = et__store_write_attribute(s, s->file, "", layout_name, H5T_STD_I32LE,
                                           H5T_NATIVE_INT32, &layout);
    if (status != ET_OK) {
        destroy(s);
        return status;
    }
    *store = s;
    return ET_OK;
}

enum et_status et_store_create(const char *path, struct et_store **store)
{
    ET__STORE_SECTION;
    return create(path, false, store);
}

enum et_status et_store_create_foreign(const char *path, struct et_store **store)
{
    ET__STORE_SECTION;
    return create(path, true, store);
}

static enum et_status check_layout(const struct et_store *store)
{
    int64_t layout = 0;
    if (H5Aexists(store->file, layout_name) < 0)
        return et__store_failed(ET_FORMAT, store, "", "damaged");
    if (!et__store_read_attribute(store->file, layout_name, &layout))
        return et_error_set(ET_FORMAT, "%s: is HDF5 but not a file of Etalon (no attribute '%s')",
                            store->path, layout_name);
    if (layout != ET_STORE_LAYOUT)
        return et_error_set(ET_FORMAT, "%s: has layout version %lld; this build reads version %d",
                            store->path, (long long)layout, (int)ET_STORE_LAYOUT);
    return ET_OK;
}

static enum et_status system_failed(const char *path, const char *what)
{
    int cause = errno;
    return et_error_set(cause == ENOENT ? ET_MISSING : ET_IO, "%s: %s: %s", path, what,
                        strerror(cause));
}

/* The checks that HDF5 would answer unclearly, or by waiting for a pipe.  *ours tells whether the
 * file starts like ours: with superblock 2, under which all metadata carry checksums. */
static enum et_status check_file(struct et_store *store, bool *ours)
{
    static const unsigned char start[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 2};
    unsigned char bytes[sizeof start];
    struct stat info;
    int fd = open(store->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        enum et_status status = system_failed(store->path, "cannot open");
        if (fd >= 0) close(fd);
        return status;
    }
    *ours = S_ISREG(info.st_mode) && read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes &&
            memcmp(bytes, start, sizeof start) == 0;
    close(fd);
    if (!S_ISREG(info.st_mode))
        return et_error_set(ET_IO, "%s: is not a regular file", store->path);
    store->bytes = (uint64_t)info.st_size;
    return ET_OK;
}

/* Damage in our own files is noticed by checksums before HDF5 1.10 stumbles over it; in the
 * classic format of foreign files HDF5 has to be trusted with the metadata. */
static enum et_status open_file(struct et_store *store, bool foreign)
{
    bool ours = false;
    ET_TRY(check_file(store, &ours));
    if (H5Fis_hdf5(store->path) <= 0)
        return et_error_set(ET_FORMAT, "%s: is not an HDF5 file", store->path);
    if (!foreign && !ours)
        return et_error_set(ET_FORMAT, "%s: is HDF5 but not a file of Etalon (other superblock)",
                            store->path);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    enum et_status status = ET_OK;
    if (H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_file_locking(access, false, true) < 0)
        status = et__store_failed(ET_IO, store, "", "cannot set up HDF5");
    else if ((store->file = H5Fopen(store->path, H5F_ACC_RDONLY, access)) < 0)
        status = et__store_failed(ET_FORMAT, store, "", "damaged or truncated");
    et__store_release(access);
    return status;
}

static enum et_status open_existing(const char *path, bool foreign, struct et_store **store)
{
    *store = NULL;
    struct et_store *s = prepare(path);
    if (s == NULL) return ET_NOMEM;
    enum et_status status = open_file(s, foreign);
    if (status == ET_OK && !foreign) status = check_layout(s);
    if (status != ET_OK) {
        destroy(s);
        return status;
    }
    *store = s;
    return ET_OK;
}

enum et_status et_store_open(const char *path, struct et_store **store)
{
    ET__STORE_SECTION;
    return open_existing(path, false, store);
}

enum et_status et_store_open_foreign(const char *path, struct et_store **store)
{
    ET__STORE_SECTION;
    return open_existing(path, true, store);
}

void et_store_close(struct et_store *store)
{
    ET__STORE_SECTION;
    destroy(store);
}

static enum et_status write_all(const struct et_store *store, const char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t piece = size - done < WRITE_PIECE ? size - done : WRITE_PIECE;
        ssize_t n = write(store->temp_fd, data + done, piece);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return et_error_set(ET_IO, "%s: cannot write %zu bytes: %s", store->path, size,
                                n < 0 ? strerror(errno) : "no progress");
        done += (size_t)n;
    }
    return ET_OK;
}

/* After this the new content is on the disk under the temporary name. */
static enum et_status write_temp(struct et_store *store)
{
    void **memory = NULL;
    ssize_t size = -1;
    if (H5Fflush(store->file, H5F_SCOPE_GLOBAL) < 0 ||
        (size = H5Fget_file_image(store->file, NULL, 0)) < 0 ||
        H5Fget_vfd_handle(store->file, H5P_DEFAULT, (void **)&memory) < 0)
        return et__store_failed(ET_IO, store, "", "cannot complete the file in memory");
    ET_TRY(write_all(store, *memory, (size_t)size));
    if (fsync(store->temp_fd) != 0)
        return et_error_set(ET_IO, "%s: cannot bring it to the disk: %s", store->path,
                            strerror(errno));
    return ET_OK;
}

enum et_status et_store_commit(struct et_store **store)
{
    ET__STORE_SECTION;
    struct et_store *s = *store;
    *store = NULL;
    assert(s->temp != NULL);
    enum et_status status = write_temp(s);
    if (status == ET_OK && renameat(s->directory, s->temp, s->directory, s->name) != 0)
        status = et_error_set(ET_IO, "%s: cannot replace it: %s", s->path, strerror(errno));
    if (status == ET_OK) {
        close(s->temp_fd);
        s->temp_fd = -1;
        /* Some file systems cannot sync a directory; the data itself is safe by now. */
        if (fsync(s->directory) != 0 && errno == EIO)
            status =
                et_error_set(ET_IO, "%s: cannot sync its directory: %s", s->path, strerror(errno));
    }
    destroy(s);
    return status;
}

const char *et_store_library(void)
{
    static _Thread_local char text[48];
    unsigned major = 0, minor = 0, release_number = 0;
    H5get_libversion(&major, &minor, &release_number);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release_number);
    return text;
}
