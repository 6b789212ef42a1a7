/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon show: the summary of a run file, or the digest of its numbers. */
#include "command.h"
#include "summary.h"

#include <etalon/store.h>

#include <inttypes.h>
#include <stdio.h>

enum { KEY_DIGEST = KEY_OWN };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON object", 0},
    {"digest", KEY_DIGEST, NULL, 0,
     "Print 16 hexadecimal digits that two files share only when their numbers are the same "
     "(wall times and environment left out)",
     0},
    {0},
};

struct arguments {
    struct common common;
    bool digest;
};

static const struct operand operand = {"run file", true, "which run file?"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_DIGEST:
        arguments->digest = true;
        break;
    case ARGP_KEY_END:
        if (arguments->common.json && arguments->digest)
            argp_error(state, "--json and --digest exclude each other");
        break;
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "RUN.h5",
    .doc = "Prints accuracy with its controls, the ledger and the network of a run file.\v"
           "Example:\n"
           "  etalon show runs/vowels-acoustic.h5 --json",
};

static enum et_status print_digest(const char *path)
{
    struct et_store *store = NULL;
    uint64_t digest = 0;
    ET_TRY(et_store_open(path, &store));
    enum et_status status = et_store_digest(store, &digest);
    et_store_close(store);
    if (status == ET_OK) printf("%016" PRIx64 "\n", digest);
    return status;
}

int command_show(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    if (!arguments.digest)
        return summary_show("etalon show", arguments.common.operand, arguments.common.json);
    enum et_status status = print_digest(arguments.common.operand);
    return status == ET_OK ? CODE_DONE : command_fail("etalon show", status);
}
