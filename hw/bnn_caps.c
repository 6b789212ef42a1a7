/* SPDX-License-Identifier: Apache-2.0
 *
 * The default configuration: the first of rtl/configs.txt. */
#include <etalon/accelerator.h>

struct et_bnn_caps et_bnn_caps_default(void)
{
    static const struct et_bnn_caps caps[] = {
#define ET_BNN_CONFIG(name, pe, simd, axi, w, a, t, o, c) {pe, simd, axi, w, a, t, o, c},
#include "bnn_configs.def"
#undef ET_BNN_CONFIG
    };
    return caps[0];
}
