/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress bar, log lines, and the signals that stop a run. */
#include "progress.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct {
    bool active, quiet, terminal, drawn;
    double start_s, shown_s;
    double start_fraction; /* what a resumed run had done already: no part of the speed */
} bar;

static volatile sig_atomic_t stop_asked;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(bool quiet)
{
    memset(&bar, 0, sizeof bar);
    bar.active = !quiet;
    bar.quiet = quiet;
    bar.terminal = isatty(STDERR_FILENO);
    bar.start_s = bar.shown_s = now_s();
    bar.start_fraction = NAN;
}

static void clear_bar(void)
{
    if (bar.drawn) fputs("\r\033[K", stderr);
    bar.drawn = false;
}

void progress_end(void)
{
    clear_bar();
    bar.active = false;
}

static void format_duration(double seconds, char *text, size_t size)
{
    if (!isfinite(seconds) || seconds > 359999) {
        snprintf(text, size, "--:--");
        return;
    }
    long whole = lround(seconds);
    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%02ld:%02ld", whole / 60, whole % 60);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
}

static void draw_bar(double fraction, const char *text)
{
    int width = terminal_width() - 1;
    int room = width - (int)strlen(text) - 3;
    if (room > 30) room = 30;
    fputs("\r\033[K", stderr);
    if (room >= 8) {
        int done = (int)(fraction * room);
        fputc('[', stderr);
        for (int i = 0; i < room; i++)
            fputc(i < done ? '=' : i == done ? '>' : ' ', stderr);
        fputs("] ", stderr);
    }
    fprintf(stderr, "%.*s", width, text);
    bar.drawn = true;
}

void progress_update(void *user, const struct et_progress *progress)
{
    (void)user;
    if (!bar.active) return;
    double now = now_s();
    if (isnan(bar.start_fraction)) {
        bar.start_fraction = progress->fraction;
        bar.start_s = now;
    }
    if (now - bar.shown_s < (bar.terminal ? 0.1 : 10.0)) return;
    bar.shown_s = now;

    double gained = progress->fraction - bar.start_fraction;
    double left_s = gained > 0 ? (now - bar.start_s) * (1 - progress->fraction) / gained : NAN;
    char left[32], accuracy[32] = "", text[256];
    format_duration(left_s, left, sizeof left);
    if (isfinite(progress->test_accuracy))
        snprintf(accuracy, sizeof accuracy, ", test %.1f %%", 100 * progress->test_accuracy);
    snprintf(text, sizeof text, "%3.0f %% ETA %s  %s, seed %zu/%zu, epoch %zu/%zu%s",
             100 * progress->fraction, left, progress->variant ? progress->variant : "",
             progress->seed + 1, progress->n_seeds, progress->epoch, progress->n_epochs, accuracy);
    if (bar.terminal)
        draw_bar(progress->fraction, text);
    else
        fprintf(stderr, "%s\n", text);
    fflush(stderr);
}

void progress_log(enum et_log_level level, const char *line, void *user)
{
    (void)user;
    if (level == ET_LOG_DEBUG || (level == ET_LOG_INFO && bar.quiet)) return;
    clear_bar();
    fprintf(stderr, "etalon: %s%s\n", level == ET_LOG_WARNING ? "warning: " : "", line);
}

static void on_signal(int number)
{
    (void)number;
    static const char line[] = "\netalon: stopping when it is safe (again to stop at once)\n";
    if (!stop_asked && write(STDERR_FILENO, line, sizeof line - 1) < 0) {
        /* Nobody reads the message; the request stands. */
    }
    stop_asked = 1;
    /* The next one, of either kind, does what it does by default. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

void interrupt_begin(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    stop_asked = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_asked(void *user)
{
    (void)user;
    return stop_asked != 0;
}
