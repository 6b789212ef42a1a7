/* SPDX-License-Identifier: Apache-2.0
 *
 * Random descriptors: the RTL against the functional model, bit for bit, two devices at once and
 * under random back-pressure.  ET_RTL_DESCRIPTORS sets how many (all configurations together). */

#include <stdio.h>
#include <stdlib.h>

#include "rtl/campaign.h"
#include "rtl/rig.h"

static const char *const configs[] = {
#define ET_RTL_CONFIG(name) name,
#include "rtl_configs.def"
#undef ET_RTL_CONFIG
    NULL,
};
enum { N_CONFIGS = sizeof configs / sizeof *configs - 1, DEFAULT_DESCRIPTORS = 12000 };

/* Small arrays are faster and meet more limits: they get three shares. */
static size_t share(size_t i)
{
    return strncmp(configs[i], "8x16", 4) == 0 ? 3 : 1;
}

static size_t shares(void)
{
    size_t sum = 0;
    for (size_t i = 0; configs[i] != NULL; i++)
        sum += share(i);
    return sum;
}

static size_t wanted(void)
{
    const char *text = getenv("ET_RTL_DESCRIPTORS");
    return text ? (size_t)strtoull(text, NULL, 10) : DEFAULT_DESCRIPTORS;
}

/* A device without any waiting beside one that is held back everywhere. */
START_TEST(random_programs)
{
    const char *config = configs[_i];
    size_t n = wanted() * share((size_t)_i) / shares() + 1, done = 0;
    for (uint64_t part = 0; done < n; part++) {
        uint64_t seed = 1000 * ((uint64_t)_i + 1) + part;
        char fast[128], slow[128];
        snprintf(fast, sizeof fast, "verilator:config=%s,seed=%llu,latency=%llu", config,
                 (unsigned long long)seed, (unsigned long long)(part % 3 * 12));
        snprintf(slow, sizeof slow, "verilator:config=%s,seed=%llu,latency=0-%llu,stall=0.%llu",
                 config, (unsigned long long)seed, (unsigned long long)(4 << part % 6),
                 (unsigned long long)(1 + part % 8));
        const char *uris[] = {fast, slow};
        size_t left = n - done;
        size_t ran = campaign_run(config, uris, 2, seed, left < 2000 ? left : 2000, 3000);
        printf("%s seed %llu: %zu descriptors equal\n", config, (unsigned long long)seed, ran);
        fflush(stdout);
        done += ran;
    }
}
END_TEST

int main(void)
{
    if (N_CONFIGS == 0) {
        fputs("skipped: built without Verilator\n", stderr);
        return 77;
    }
    Suite *suite = suite_create("descriptors");
    TCase *tests = tcase_create("campaign");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, random_programs, 0, N_CONFIGS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
