/* SPDX-License-Identifier: Apache-2.0
 *
 * gnuplot as a child process: a script goes in by a pipe, a picture comes out in a file. */
#ifndef ETALON_CLI_GNUPLOT_H
#define ETALON_CLI_GNUPLOT_H

#include <etalon/error.h>

#include <stdio.h>
#include <sys/types.h>

struct gnuplot {
    FILE *script; /* write commands here */
    pid_t child;
    char path[4096], temporary[4128];
};

/* Starts gnuplot; its standard output becomes `path` when all goes well.
 * Errors: ET_MISSING (no gnuplot), ET_IO. */
enum et_status gnuplot_begin(struct gnuplot *gnuplot, const char *path) ET_CHECKED;
/* Waits for the picture.  Errors: ET_IO. */
enum et_status gnuplot_end(struct gnuplot *gnuplot) ET_CHECKED;

/* Writes text in single quotes, in which gnuplot expands nothing. */
void gnuplot_quote(FILE *script, const char *text);

#endif
