/* SPDX-License-Identifier: Apache-2.0
 *
 * The devices that the driver is tested on. */
#ifndef ETALON_TESTS_BNN_DEVICES_H
#define ETALON_TESTS_BNN_DEVICES_H

#include <etalon/accelerator.h>
#include <etalon/transport.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "close.h"

static const struct {
    const char *uri;
    unsigned cases; /* a Verilated device is slower */
} devices[] = {
    {"software", 200},
    {"model:", 200},
    {"model:config=8x16", 200},
    {"model:config=16x128x128", 100},
    {"model:config=8x16x128", 200},
#define ET_RTL_CONFIG(name) {"verilator:config=" name ",seed=5,stall=0.2,latency=1-30", 20},
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
};
/* Those from FIRST_DEVICE on have registers. */
enum { FIRST_DEVICE = 1, N_DEVICES = sizeof devices / sizeof *devices };

static inline int device_count(void)
{
    return N_DEVICES;
}

static inline const char *device_uri(int i)
{
    return devices[i].uri;
}

/* ET_DEVICE_CASES: more of them. */
static inline unsigned device_cases(int i)
{
    const char *text = getenv("ET_DEVICE_CASES");
    return text ? (unsigned)strtoul(text, NULL, 10) : devices[i].cases;
}

#endif
