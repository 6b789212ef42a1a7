/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon serve: a device for clients in other processes. */
#include "command.h"
#include "progress.h"

#include <etalon/transport.h>

#include <stdio.h>
#include <string.h>

enum { KEY_LISTEN = KEY_OWN, KEY_MEMORY };

static const struct argp_option options[] = {
    {"listen", KEY_LISTEN, "unix:PATH", 0, "Local socket to listen at", 0},
    {"memory", KEY_MEMORY, "MIB", 0, "Most shared memory of clients (default 1024)", 0},
    {0},
};

struct arguments {
    struct common common;
    const char *listen;
    size_t memory_mib;
};

static const struct operand operand = {"URI of a transport", false,
                                       "which device? `etalon list transports' names the schemes"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case KEY_LISTEN:
        if (strncmp(text, "unix:", 5) != 0 || text[5] == '\0')
            argp_error(state, "--listen=%s: it is written unix:PATH", text);
        arguments->listen = text;
        break;
    case KEY_MEMORY:
        arguments->memory_mib = argument_count(state, "--memory", text, 1, 1 << 20);
        break;
    case ARGP_KEY_END:
        if (arguments->listen == NULL) argp_error(state, "--listen is missing");
        return argument_common(key, text, state, &operand, &arguments->common);
    default:
        return argument_common(key, text, state, &operand, &arguments->common);
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse,
    .args_doc = "URI",
    .doc = "Serves a device to other processes, which reach it as unix:PATH: one client at a "
           "time, until this program is interrupted. A client that goes leaves the device as it "
           "is, for the next one to recover.\v"
           "Example:\n"
           "  etalon serve verilator:config=8x16 --listen unix:/tmp/device &\n"
           "  etalon simulate --system '{type: bnn-layer, n_in: 64, n_out: 8, device: "
           "\"unix:/tmp/device\"}'",
};

static bool stopped(void *user)
{
    (void)user;
    return interrupt_asked(NULL);
}

static void event(void *user, const char *text)
{
    fprintf(stderr, "etalon serve: %s: %s\n", (const char *)user, text);
}

int command_serve(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    struct et_transport *device;
    enum et_status status = et_transport_open(arguments.common.operand, &device);
    if (status == ET_OK) {
        interrupt_begin();
        char name[4096];
        snprintf(name, sizeof name, "%s", arguments.listen);
        struct et_transport_serve_options serve = {
            .stopped = stopped,
            .event = event,
            .user = name,
            .memory_max = arguments.memory_mib << 20,
        };
        status = et_transport_serve(device, arguments.listen, &serve);
    }
    et_transport_close(device);
    return status == ET_OK ? CODE_DONE : command_fail("etalon serve", status);
}
