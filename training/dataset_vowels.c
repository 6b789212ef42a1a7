/* SPDX-License-Identifier: Apache-2.0
 *
 * Vowels: formant tracks of generated speakers with the statistics of measured ones.
 *
 * A token of vowel v by speaker s of group g has 12 features in Hz: F1, F2, F3 at the steady state
 * and at 20 %, 50 % and 80 % of the vowel,
 *
 *     log F_k(t) = log mean_gvk + move_vk(t) + spread sd_gvk z_k(t).
 *
 * Each z_k(t) is a standard normal, so that at every time the spread within a class is that of the
 * table.  At the steady state z_k = sqrt(share_k) L_s + sqrt(1 - share_k) e: the length of the
 * speaker's vocal tract L_s moves all formants of all vowels together.  Along the track
 * z_k(20 %) and z_k(50 %) follow the steady state, z_k(80 %) follows 50 %, each with its measured
 * correlation.
 *
 * Source: means and log standard deviations computed from the tokens of Hillenbrand, Getty, Clark
 * and Wheeler, "Acoustic characteristics of American English vowels", J. Acoust. Soc. Am. 97,
 * 3099 (1995). */
#include "dataset_create.h"

#include <etalon/rng.h>

#include <math.h>
#include <string.h>

enum { N_VOWELS = 12, N_GROUPS = 4, N_FORMANTS = 3, N_TIMES = 4, SPEAKERS_MAX = 10000 };
enum { N_FEATURES = N_TIMES * N_FORMANTS };

static const char *const vowel_names[N_VOWELS] = {"ae", "ah", "aw", "eh", "ei", "er",
                                                  "ih", "iy", "oa", "oo", "uh", "uw"};
static const char *const group_names[N_GROUPS] = {"men", "women", "boys", "girls"};

/* Geometric mean at the steady state, Hz, and standard deviation of the logarithm. */
static const struct {
    double mean_Hz[N_FORMANTS], sd[N_FORMANTS];
} statistics[N_GROUPS][N_VOWELS] = {
    /* clang-format off */
    { /* men */
        {{590.0, 1925.8, 2591.9}, {0.0704, 0.0675, 0.0519}}, /* ae */
        {{754.1, 1304.2, 2530.6}, {0.0802, 0.0869, 0.0589}}, /* ah */
        {{655.1, 1021.2, 2514.9}, {0.0511, 0.0644, 0.0718}}, /* aw */
        {{586.6, 1799.1, 2600.5}, {0.0673, 0.0637, 0.0525}}, /* eh */
        {{474.3, 2085.4, 2683.7}, {0.0885, 0.0657, 0.0566}}, /* ei */
        {{474.0, 1376.9, 1704.8}, {0.0605, 0.0575, 0.0601}}, /* er */
        {{428.2, 2030.5, 2683.9}, {0.0732, 0.0580, 0.0470}}, /* ih */
        {{341.6, 2318.8, 2999.0}, {0.0811, 0.0591, 0.0661}}, /* iy */
        {{495.9, 905.0, 2454.9}, {0.0876, 0.1107, 0.0599}}, /* oa */
        {{468.5, 1118.8, 2431.4}, {0.0605, 0.0853, 0.0528}}, /* oo */
        {{620.7, 1178.2, 2543.6}, {0.0486, 0.0731, 0.0571}}, /* uh */
        {{378.2, 986.1, 2351.5}, {0.0884, 0.1117, 0.0574}}, /* uw */
    },
    { /* women */
        {{672.4, 2329.4, 2964.4}, {0.0995, 0.0684, 0.0656}}, /* ae */
        {{916.2, 1519.3, 2826.6}, {0.1045, 0.0823, 0.0617}}, /* ah */
        {{800.9, 1181.8, 2816.7}, {0.0923, 0.1039, 0.0741}}, /* aw */
        {{723.5, 2057.9, 2947.1}, {0.0991, 0.0687, 0.0626}}, /* eh */
        {{531.9, 2521.0, 3040.1}, {0.1163, 0.0612, 0.0586}}, /* ei */
        {{522.1, 1583.5, 1926.8}, {0.0837, 0.0777, 0.0648}}, /* er */
        {{483.1, 2364.5, 3051.5}, {0.0703, 0.0629, 0.0606}}, /* ih */
        {{435.4, 2757.4, 3370.5}, {0.0949, 0.0539, 0.0692}}, /* iy */
        {{549.6, 1028.4, 2822.2}, {0.1488, 0.1187, 0.0668}}, /* oa */
        {{517.1, 1220.5, 2823.8}, {0.0778, 0.1153, 0.0637}}, /* oo */
        {{758.0, 1410.9, 2895.8}, {0.0761, 0.0832, 0.0603}}, /* uh */
        {{458.0, 1088.5, 2731.9}, {0.0871, 0.1751, 0.0513}}, /* uw */
    },
    { /* boys */
        {{699.8, 2467.5, 3181.4}, {0.1131, 0.0636, 0.0553}}, /* ae */
        {{952.2, 1641.7, 2871.6}, {0.1175, 0.0824, 0.0873}}, /* ah */
        {{789.1, 1239.3, 2865.3}, {0.1159, 0.1293, 0.0756}}, /* aw */
        {{721.4, 2219.8, 3223.8}, {0.1201, 0.0700, 0.0535}}, /* eh */
        {{560.2, 2605.1, 3277.3}, {0.1123, 0.0521, 0.0532}}, /* ei */
        {{564.3, 1705.3, 2070.1}, {0.0992, 0.0781, 0.0819}}, /* er */
        {{516.9, 2493.5, 3330.7}, {0.0758, 0.0601, 0.0521}}, /* ih */
        {{440.5, 3023.9, 3593.1}, {0.1203, 0.0502, 0.0695}}, /* iy */
        {{604.1, 1131.4, 2929.4}, {0.0765, 0.1000, 0.0627}}, /* oa */
        {{565.2, 1439.2, 2992.0}, {0.0923, 0.1332, 0.0643}}, /* oo */
        {{711.5, 1479.5, 3060.4}, {0.0909, 0.0819, 0.0669}}, /* uh */
        {{490.7, 1299.0, 2930.8}, {0.0973, 0.1984, 0.0698}}, /* uw */
    },
    { /* girls */
        {{732.2, 2527.8, 3407.1}, {0.1343, 0.0584, 0.0795}}, /* ae */
        {{1030.8, 1731.2, 3006.2}, {0.1301, 0.1013, 0.0808}}, /* ah */
        {{891.5, 1377.1, 3053.4}, {0.1095, 0.0946, 0.0993}}, /* aw */
        {{751.6, 2352.1, 3388.8}, {0.1393, 0.0532, 0.0626}}, /* eh */
        {{564.4, 2701.7, 3374.5}, {0.1019, 0.0665, 0.0910}}, /* ei */
        {{612.5, 1732.2, 2253.7}, {0.0724, 0.0698, 0.0719}}, /* er */
        {{504.5, 2636.2, 3508.6}, {0.0750, 0.0534, 0.0528}}, /* ih */
        {{463.5, 3151.1, 3797.4}, {0.0612, 0.0709, 0.0681}}, /* iy */
        {{583.3, 1128.3, 3100.7}, {0.1440, 0.1792, 0.0605}}, /* oa */
        {{572.5, 1577.1, 3181.1}, {0.0992, 0.0863, 0.0605}}, /* oo */
        {{764.9, 1610.6, 3204.3}, {0.1350, 0.0676, 0.0607}}, /* uh */
        {{490.7, 1464.2, 3045.0}, {0.0825, 0.2625, 0.0713}}, /* uw */
    },
    /* clang-format on */
};

/* Mean of log F_k(t) - log F_k(steady state) at 20 %, 50 % and 80 %.  Measured on the 258 women's
 * tokens of the seven default vowels that the PhyLL authors published with these 12 features; eh,
 * ei, oa, oo and uh are rounded estimates in the direction that Hillenbrand et al. report. */
static const double move[N_VOWELS][N_TIMES - 1][N_FORMANTS] = {
    /* clang-format off */
    {{ 0.004, -0.002, -0.004}, { 0.119, -0.091, -0.026}, { 0.185, -0.196, -0.028}}, /* ae */
    {{ 0.010, -0.003,  0.002}, { 0.000,  0.023,  0.002}, {-0.082,  0.134,  0.012}}, /* ah */
    {{-0.002, -0.009,  0.003}, { 0.024,  0.058,  0.002}, { 0.026,  0.288,  0.004}}, /* aw */
    {{ 0.000,  0.000,  0.000}, { 0.030, -0.040,  0.000}, { 0.040, -0.100,  0.000}}, /* eh, est. */
    {{ 0.000,  0.000,  0.000}, {-0.080,  0.030,  0.010}, {-0.160,  0.060,  0.030}}, /* ei, est. */
    {{ 0.021, -0.003,  0.014}, {-0.026,  0.005,  0.004}, {-0.059,  0.065,  0.042}}, /* er */
    {{-0.004,  0.004, -0.002}, { 0.072, -0.038, -0.006}, { 0.091, -0.082,  0.003}}, /* ih */
    {{ 0.012, -0.002,  0.004}, {-0.003,  0.002, -0.002}, {-0.011, -0.001, -0.020}}, /* iy */
    {{ 0.000,  0.000,  0.000}, {-0.030, -0.060,  0.000}, {-0.120, -0.080,  0.000}}, /* oa, est. */
    {{ 0.000,  0.000,  0.000}, { 0.030,  0.080,  0.000}, { 0.020,  0.160,  0.000}}, /* oo, est. */
    {{ 0.000,  0.000,  0.000}, { 0.010,  0.060,  0.000}, {-0.040,  0.140,  0.000}}, /* uh, est. */
    {{ 0.011,  0.036,  0.000}, {-0.006,  0.004,  0.004}, {-0.021,  0.049,  0.007}}, /* uw */
    /* clang-format on */
};

/* Share of the speaker in the variance: the correlation of a formant between two vowels of one
 * speaker over the tokens behind the table, mean of the four groups.  Between two formants the one
 * factor then gives 0.23 to 0.30; measured are 0.16 to 0.23. */
static const double share[N_FORMANTS] = {0.22, 0.25, 0.37};

/* Correlation within a vowel between 20 % and the steady state, 50 % and the steady state, 80 % and
 * 50 %; from the same 258 tokens as `move`. */
static const double follow[N_TIMES - 1][N_FORMANTS] = {
    {0.88, 0.91, 0.92}, {0.75, 0.82, 0.94}, {0.72, 0.78, 0.90}};
static const size_t follows[N_TIMES - 1] = {0, 0, 2};

static const struct et_param params[] = {
    {.name = "classes",
     .kind = ET_PARAM_STRINGS,
     .initial = "[ae, ah, aw, er, ih, iy, uw]",
     .min_count = 2,
     .max_count = N_VOWELS,
     .doc = "Vowels, out of ae ah aw eh ei er ih iy oa oo uh uw."},
    {.name = "groups",
     .kind = ET_PARAM_STRINGS,
     .initial = "[women]",
     .min_count = 1,
     .max_count = N_GROUPS,
     .doc = "Kinds of speakers, out of men women boys girls."},
    {.name = "speakers",
     .kind = ET_PARAM_INT,
     .initial = "37",
     .min = 1,
     .max = SPEAKERS_MAX,
     .doc = "Speakers of each kind; each says every vowel once."},
    {.name = "spread",
     .kind = ET_PARAM_REAL,
     .initial = "1",
     .min = 0,
     .max = 5,
     .doc = "Factor on the measured spread within a class; the published 258 tokens, which leave "
            "ambiguous ones out, have about 0.9."},
    {0},
};

/* Reads a list of distinct names out of known[n_known]; number[i] is the place of the i-th. */
static enum et_status read_names(const struct et_config *config, const char *list,
                                 const char *const *known, size_t n_known, size_t *number)
{
    for (size_t i = 0; i < et_config_count(config, list); i++) {
        const char *name = et_config_string_at(config, list, i);
        for (number[i] = 0; number[i] < n_known; number[i]++)
            if (strcmp(known[number[i]], name) == 0) break;
        if (number[i] == n_known) {
            const char *near = et_nearest_name(name, known, n_known);
            return et_config_error(config, list, "unknown name '%s'%s%s%s", name,
                                   near ? "; did you mean '" : "", near ? near : "",
                                   near ? "'?" : "");
        }
        for (size_t j = 0; j < i; j++)
            if (number[j] == number[i])
                return et_config_error(config, list, "'%s' stands here twice", name);
    }
    return ET_OK;
}

/* One token into x [N_FEATURES], Hz.  The draws belong to (group, speaker, vowel), so a token does
 * not depend on which others are asked for. */
static void draw_token(uint64_t seed, size_t group, size_t speaker, size_t vowel, double spread,
                       float *x)
{
    const uint64_t person = group * SPEAKERS_MAX + speaker;
    float tract, noise[N_FEATURES];
    double z[N_TIMES][N_FORMANTS];
    et_rng_fill_normal(seed, ET_STREAM_DATA, 0, person, &tract, 1);
    et_rng_fill_normal(seed, ET_STREAM_DATA, 1, (person * N_VOWELS + vowel) * N_FEATURES, noise,
                       N_FEATURES);
    for (size_t k = 0; k < N_FORMANTS; k++) {
        double log_mean = log(statistics[group][vowel].mean_Hz[k]);
        double sd = spread * statistics[group][vowel].sd[k];
        z[0][k] = sqrt(share[k]) * (double)tract + sqrt(1 - share[k]) * (double)noise[k];
        x[k] = (float)exp(log_mean + sd * z[0][k]);
        for (size_t t = 1; t < N_TIMES; t++) {
            double rho = follow[t - 1][k];
            double fresh = (double)noise[t * N_FORMANTS + k];
            z[t][k] = rho * z[follows[t - 1]][k] + sqrt(1 - rho * rho) * fresh;
            x[t * N_FORMANTS + k] = (float)exp(log_mean + move[vowel][t - 1][k] + sd * z[t][k]);
        }
    }
}

static enum et_status load(const struct et_config *config, uint64_t seed,
                           struct et_dataset *dataset)
{
    size_t vowel[N_VOWELS], group[N_GROUPS];
    const char *names[N_VOWELS];
    ET_TRY(read_names(config, "classes", vowel_names, N_VOWELS, vowel));
    ET_TRY(read_names(config, "groups", group_names, N_GROUPS, group));
    size_t classes = et_config_count(config, "classes");
    size_t groups = et_config_count(config, "groups");
    size_t speakers = (size_t)et_config_int(config, "speakers");
    double spread = et_config_real(config, "spread");
    for (size_t i = 0; i < classes; i++)
        names[i] = vowel_names[vowel[i]];
    ET_TRY(et__dataset_create(dataset, groups * speakers * classes, N_FEATURES, classes, names, 1));
    dataset->origin = "generated from the vowel statistics of Hillenbrand et al. (1995)";
    for (size_t r = 0; r < dataset->x.rows; r++) {
        size_t label = r % classes, person = r / classes;
        dataset->label[r] = (int32_t)label;
        dataset->group[r] = (int32_t)person;
        draw_token(seed, group[person / speakers], person % speakers, vowel[label], spread,
                   dataset->x.data + r * N_FEATURES);
    }
    return ET_OK;
}

const struct et_dataset_type et_dataset_vowels = {
    .name = "vowels",
    .summary = "Formant tracks of vowels by generated speakers with measured statistics.",
    .params = params,
    .load = load,
};
