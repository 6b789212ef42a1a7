/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the tests that notice a change of the RTL, one after the other, until one fails: the judge
 * of rtl/mutate.sh.  The tests lie beside this program. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const killers[] = {KILLERS};

static int run(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    pid_t child = fork();
    if (child == 0) {
        execl(path, name, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    int state = 1;
    if (child < 0 || waitpid(child, &state, 0) != child) return EXIT_FAILURE;
    return WIFEXITED(state) ? WEXITSTATUS(state) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    (void)argc;
    setenv("ET_RTL_DESCRIPTORS", "6000", 0);
    const char *folder = dirname(argv[0]);
    for (size_t i = 0; i < sizeof killers / sizeof *killers; i++)
        if (run(folder, killers[i]) != EXIT_SUCCESS) return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
