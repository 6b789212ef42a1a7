/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays a fuzz corpus without a fuzzer: feeds every file of a folder, in the order of their
 * names, to LLVMFuzzerTestOneInput.  What a fuzzer once found stays found, under any compiler and
 * sanitizer.
 *
 *     fuzz_config tests/fuzz/corpus/config */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    int failed = 1;
    uint8_t *data = NULL;
    long size = -1;
    FILE *file = fopen(path, "rb");
    if (file == NULL) goto out;
    if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) goto out;
    /* Exactly as long as the file, so that a sanitizer sees a read past its end. */
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) goto out;
    LLVMFuzzerTestOneInput(data, (size_t)size);
    failed = 0;
out:
    if (failed) perror(path);
    free(data);
    if (file != NULL) fclose(file);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct dirent **entries;
    int n = scandir(argv[1], &entries, NULL, alphasort);
    if (n < 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    int failed = 0, files = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
            failed |= replay_file(path);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d files replayed\n", files);
    return failed || files == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
