/* SPDX-License-Identifier: Apache-2.0
 *
 * gnuplot as a child process. */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Starts gnuplot with the read end of a pipe as input and fd `out` as output. */
static int spawn_gnuplot(pid_t *child, int in, int out)
{
    posix_spawn_file_actions_t actions;
    char name[] = "gnuplot", dash[] = "-";
    char *arguments[] = {name, dash, NULL};
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (error == 0) error = posix_spawnp(child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

enum et_status gnuplot_begin(struct gnuplot *gnuplot, const char *path)
{
    int pipe_ends[2];
    memset(gnuplot, 0, sizeof *gnuplot);
    snprintf(gnuplot->path, sizeof gnuplot->path, "%s", path);
    snprintf(gnuplot->temporary, sizeof gnuplot->temporary, "%s.tmp-%ld", path, (long)getpid());
    int out = open(gnuplot->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0) return et_error_set(ET_IO, "%s: %s", path, strerror(errno));
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        int error = errno;
        close(out);
        unlink(gnuplot->temporary);
        return et_error_set(ET_IO, "pipe to gnuplot: %s", strerror(error));
    }
    int error = spawn_gnuplot(&gnuplot->child, pipe_ends[0], out);
    close(pipe_ends[0]);
    close(out);
    if (error == 0) gnuplot->script = fdopen(pipe_ends[1], "w");
    if (gnuplot->script != NULL) {
        /* A gnuplot that dies early is seen by its exit status. */
        signal(SIGPIPE, SIG_IGN);
        return ET_OK;
    }
    if (error == 0) error = errno;
    close(pipe_ends[1]);
    unlink(gnuplot->temporary);
    if (gnuplot->child > 0) waitpid(gnuplot->child, NULL, 0);
    if (error == ENOENT)
        return et_error_set(ET_MISSING, "gnuplot is not installed; reports are drawn by it "
                                        "(Debian, Ubuntu: apt-get install gnuplot-nox)");
    return et_error_set(ET_IO, "gnuplot: %s", strerror(error));
}

enum et_status gnuplot_end(struct gnuplot *gnuplot)
{
    int state = 0;
    fclose(gnuplot->script);
    while (waitpid(gnuplot->child, &state, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        unlink(gnuplot->temporary);
        return et_error_set(ET_IO, "gnuplot failed (its message stands above)");
    }
    if (rename(gnuplot->temporary, gnuplot->path) == 0) return ET_OK;
    int error = errno;
    unlink(gnuplot->temporary);
    return et_error_set(ET_IO, "%s: %s", gnuplot->path, strerror(error));
}

void gnuplot_quote(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text != '\0'; text++) {
        /* Control characters end the line, backquotes and @ start substitutions elsewhere. */
        if ((unsigned char)*text < 0x20 || *text == '`' || *text == '@')
            fputc(' ', script);
        else if (*text == '\'')
            fputs("''", script);
        else
            fputc(*text, script);
    }
    fputc('\'', script);
}
