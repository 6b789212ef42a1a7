/* SPDX-License-Identifier: Apache-2.0
 *
 * Random descriptors: the RTL against the functional model, bit for bit, two devices at once and
 * under random back-pressure.  ET_RTL_DESCRIPTORS sets how many (all configurations together). */

#include <stdio.h>
#include <stdlib.h>

#include "rtl/campaign.h"
#include "rtl/rig.h"

static const char *const configs[] = {"8x16", "32x32", "32x64", "16x128x128", "8x16x128"};
/* Shares of the descriptors: small arrays are faster and hit more limits. */
static const size_t share[] = {50, 25, 15, 5, 5};
enum { N_CONFIGS = sizeof configs / sizeof *configs, DEFAULT_DESCRIPTORS = 12000 };

/* A configuration that this build leaves out is an error of the address; all else is a failure. */
static bool compiled(const char *config)
{
    char uri[64];
    struct et_transport *transport;
    snprintf(uri, sizeof uri, "verilator:config=%s", config);
    enum et_status status = et_transport_open(uri, &transport);
    et_transport_close(transport);
    ck_assert_msg(status == ET_OK || status == ET_CONFIG, "%s", et_error_message());
    return status == ET_OK;
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
    if (!compiled(config)) {
        printf("%s is not in this build\n", config);
        return;
    }
    size_t n = wanted() * share[_i] / 100, done = 0;
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
    struct et_transport *transport;
    if (et_transport_open("verilator:", &transport) == ET_UNSUPPORTED) {
        fprintf(stderr, "skipped: %s\n", et_error_message());
        return 77;
    }
    et_transport_close(transport);
    Suite *suite = suite_create("descriptors");
    TCase *tests = tcase_create("campaign");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, random_programs, 0, N_CONFIGS);
    suite_add_tcase(suite, tests);
    return suite_result(suite);
}
