/* SPDX-License-Identifier: Apache-2.0
 *
 * Philox4x32-10 as a pure function; see <etalon/rng.h>.
 *
 * key     = (seed low, seed high)
 * counter = (index low, index high, step, stream) */
#include <etalon/rng.h>

#include <Random123/philox.h>
#include <assert.h>
#include <math.h>

void et_rng_block(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index, uint32_t out[4])
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), step, stream}};
    philox4x32_ctr_t block = philox4x32_R(10, counter, key);
    for (size_t i = 0; i < 4; i++)
        out[i] = block.v[i];
}

uint64_t et_rng_derive(uint64_t seed, uint64_t part)
{
    uint32_t block[4];
    et_rng_block(seed, ET_STREAM_DERIVE, 0, part, block);
    return (uint64_t)block[1] << 32 | block[0];
}

static float unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24F;
}

float et_rng_uniform(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index)
{
    uint32_t block[4];
    et_rng_block(seed, stream, step, index / 4, block);
    return unit(block[index % 4]);
}

uint32_t et_rng_below(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index, uint32_t n)
{
    assert(n >= 1);
    uint32_t block[4];
    et_rng_block(seed, stream, step, index / 4, block);
    return (uint32_t)((uint64_t)block[index % 4] * n >> 32);
}

void et_rng_fill_uniform(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first, float lo,
                         float hi, float *out, size_t n)
{
    uint32_t block[4];
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 4 == 0) et_rng_block(seed, stream, step, index / 4, block);
        out[i] = lo + (hi - lo) * unit(block[index % 4]);
    }
}

/* Box-Muller: words (0, 1) make the normals 0 and 1 of a block, words (2, 3) the other two. */
static void normal_block(uint64_t seed, uint32_t stream, uint32_t step, uint64_t index,
                         float normal[4])
{
    uint32_t word[4];
    et_rng_block(seed, stream, step, index, word);
    for (size_t pair = 0; pair < 4; pair += 2) {
        float u = ((float)(word[pair] >> 8) + 0.5F) * 0x1p-24F; /* never 0 */
        float radius = sqrtf(-2.0F * logf(u));
        float angle = 6.28318531F * unit(word[pair + 1]);
        normal[pair] = radius * cosf(angle);
        normal[pair + 1] = radius * sinf(angle);
    }
}

void et_rng_fill_normal(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first, float *out,
                        size_t n)
{
    float normal[4];
    for (size_t i = 0; i < n; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 4 == 0) normal_block(seed, stream, step, index / 4, normal);
        out[i] = normal[index % 4];
    }
}

void et_rng_shuffle(uint64_t seed, uint32_t stream, uint32_t step, size_t *index, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = et_rng_below(seed, stream, step, i, (uint32_t)i);
        size_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}
