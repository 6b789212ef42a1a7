/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest use of an installed library: one pass through a system. */
#include <etalon/etalon.h>

#include <stdio.h>

int main(void)
{
    struct et_system *system;
    float x[3] = {1, 2, 3}, y[1] = {0};
    struct et_step step = {.seed = 1};
    const char *yaml = "{type: linear, n_in: 3, n_out: 1, matrix: [1, 10, 100]}";
    if (et_system_open_text(yaml, 1, &system) != ET_OK ||
        et_system_forward(system, &step, et_view_of(x, 1, 3), et_view_of(y, 1, 1)) != ET_OK) {
        fprintf(stderr, "%s\n", et_error_message());
        return 1;
    }
    et_system_close(system);
    printf("etalon %s: %g\n", et_version(), (double)y[0]);
    return y[0] == 321.0F ? 0 : 1;
}
