/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of one instruction set: orders 2 and 4, one simulation and eight side by side. */
#define VALUE     REAL
#define GROUP     ET__WAVE_GROUP
#define ORDER     2
#define ROW(name) ROW_SET(single2_##name)
#include "wave_rows.h"
#undef ORDER
#undef ROW
#define ORDER     4
#define ROW(name) ROW_SET(single4_##name)
#include "wave_rows.h"
#undef ORDER
#undef ROW
#undef VALUE
#undef GROUP

#define VALUE     lanes_value
#define GROUP     1
#define ORDER     2
#define ROW(name) ROW_SET(lanes2_##name)
#include "wave_rows.h"
#undef ORDER
#undef ROW
#define ORDER     4
#define ROW(name) ROW_SET(lanes4_##name)
#include "wave_rows.h"
#undef ORDER
#undef ROW
#undef VALUE
#undef GROUP
