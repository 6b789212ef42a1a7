/* SPDX-License-Identifier: Apache-2.0
 *
 * etalon: finds the sub-command and hands over. */
#include "command.h"
#include "progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"run", "train the network of an experiment file and its controls", command_run},
    {"show", "summarise a run file", command_show},
    {"evaluate", "test a stored run on other data or on another system", command_evaluate},
    {"report", "draw a run file: learning curves, controls, confusion matrix", command_report},
    {"simulate", "send inputs through a system once; store outputs and fields", command_simulate},
    {"export", "write a system with its knobs in the exchange format of its field", command_export},
    {"serve", "offer a device to other processes at a local socket", command_serve},
    {"list", "list systems, transports, methods, objectives, data sets", command_list},
    {"describe", "explain a type and its parameters", command_describe},
    {"new", "print a commented template of a type or of an experiment", command_new},
    {"bench", "measure speed and accuracy beside a limit or a peer", command_bench},
    {"doctor", "say what this build has and what the machine offers", command_doctor},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("Usage: etalon COMMAND [OPTION...] [ARGUMENT...]\n"
          "Co-design of neural networks and the physical hardware that computes them.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`etalon COMMAND --help' explains a command with an example; "
          "`etalon --version' prints the version.\n\n"
          "Exit codes:\n"
          "  0   done\n"
          "  1   run-time failure: device, file, number\n"
          "  2   usage or configuration\n"
          "  3   interrupted; a valid checkpoint is on disk\n"
          "  77  skipped: an optional part or a data set is missing\n\n"
          "Environment:\n"
          "  ETALON_DATA    folder of data sets, ../shared/data when unset\n"
          "  ETALON_WISDOM  file of FFT plans, in ~/.cache/etalon when unset\n\n"
          "Example:\n"
          "  etalon new experiment > first.yaml && etalon run first.yaml\n",
          out);
}

static int run_command(int argc, char **argv)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[0], names[i]) != 0) continue;
        char name[64];
        snprintf(name, sizeof name, "etalon %s", names[i]);
        argv[0] = name;
        return commands[i].run(argc, argv);
    }
    int code = command_unknown("etalon", "command", argv[0], names, N_COMMANDS);
    fputs("Try `etalon --help' for the list of commands.\n", stderr);
    return code;
}

int main(int argc, char **argv)
{
    argp_err_exit_status = CODE_USAGE;
    et_log_set_sink(progress_log, NULL);
    int code = CODE_DONE;
    bool is_help = argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                                 strcmp(argv[1], "help") == 0);
    if (argc < 2) {
        print_help(stderr);
        code = CODE_USAGE;
    } else if (is_help && argc >= 3) {
        char help[] = "--help";
        char *arguments[] = {argv[2], help, NULL};
        code = run_command(2, arguments);
    } else if (is_help) {
        print_help(stdout);
    } else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("etalon %s\n", et_version());
    } else {
        code = run_command(argc - 1, argv + 1);
    }
    /* A result that did not reach its reader (a full disk, say) is a failure. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CODE_DONE) {
        fprintf(stderr, "etalon: writing to standard output: %s\n", strerror(errno));
        code = CODE_FAILED;
    }
    return code;
}
