/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sub-commands share: how one looks, its exit codes, and arguments that several take.
 * Standard output carries results, standard error everything else. */
#ifndef ETALON_CLI_COMMAND_H
#define ETALON_CLI_COMMAND_H

#include <etalon/error.h>
#include <etalon/experiment.h>

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes that scripts rely on. */
enum {
    CODE_DONE = 0,
    CODE_FAILED = 1,      /* device, I/O, numeric */
    CODE_USAGE = 2,       /* usage or configuration */
    CODE_INTERRUPTED = 3, /* stopped with a valid checkpoint */
    CODE_ABSENT = 77      /* an optional part or a data set is missing */
};

/* A sub-command; argv[0] is "etalon NAME".  Returns an exit code. */
struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

int command_run(int argc, char **argv);
int command_show(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_report(int argc, char **argv);
int command_simulate(int argc, char **argv);
int command_export(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_list(int argc, char **argv);
int command_describe(int argc, char **argv);
int command_new(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_doctor(int argc, char **argv);

/* The exit code of a status. */
int command_code(enum et_status status);

/* Prints "<name>: <error record>" on standard error; returns the exit code of status. */
int command_fail(const char *name, enum et_status status);

/* --set options in the order given; item holds argc pointers and is freed with et_free. */
struct overrides {
    const char **item;
    size_t n;
};

/* An integer option in [min, max]; anything else is a usage error. */
size_t argument_count(struct argp_state *state, const char *option, const char *text, size_t min,
                      size_t max);
/* A file named on the command line; usage error when it cannot be read, or when it is the second.
 */
void argument_file(struct argp_state *state, const char **file, char *text);
/* Adds "path=value". */
void argument_override(struct argp_state *state, struct overrides *overrides, char *text);

/* Options and the operand that most sub-commands take.  Keys of a command's own start at KEY_OWN.
 */
enum { KEY_JSON = 256, KEY_THREADS, KEY_SET, KEY_OWN };

struct common {
    const char *operand; /* file, type, ..., or NULL when it may be absent and is */
    bool json;
    size_t threads;
    struct overrides overrides;
};

/* What the operand is: a readable file or a name ("type"), and what to ask when it is missing
 * (NULL = it may be). */
struct operand {
    const char *name;
    bool is_file;
    const char *question;
};

/* Handles one key of argp; ARGP_ERR_UNKNOWN when it is none of the common ones. */
error_t argument_common(int key, char *text, struct argp_state *state,
                        const struct operand *operand, struct common *common);

/* Families as the command line names them ("systems") and as the library does ("system"). */
struct family {
    const char *plural, *name, *title;
};
enum { N_FAMILIES = 5 };
extern const struct family families[N_FAMILIES];

/* Prints "unknown WHAT 'given'" with the nearest of the names; returns CODE_USAGE. */
int command_unknown(const char *command, const char *what, const char *given,
                    const char *const *names, size_t n);

#endif
