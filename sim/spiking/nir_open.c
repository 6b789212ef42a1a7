/* SPDX-License-Identifier: Apache-2.0
 *
 * The system `spiking` from a NIR file and back. */
#include "spiking/nir.h"
#include "spiking/system.h"

#include <etalon/log.h>

/* clang-format off */
const struct et_param et__nir_params[] = {
    {.name = "lenient", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Read what the reference reader refuses (docs/nir.md); each case is logged."},
    {.name = "reset", .kind = ET_PARAM_CHOICE, .initial = "hard", .choices = "soft|hard",
     .doc = "After a spike to v_reset, as NIR says, or minus (threshold - v_reset), as some "
            "exporters mean."},
    {.name = "current", .kind = ET_PARAM_CHOICE, .initial = "held", .choices = "held|kick|early",
     .doc = "A spike is a current of one step, or a kick of the same charge after the leak of the "
            "step or before it."},
    {.name = "synapse_delay", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .unit = "steps", .doc = "More delay of every Affine, Linear and convolution (Lava: 1)."},
    {0},
};
/* clang-format on */

static enum et_status check_given(const struct et_config *config)
{
    static const char *const needed[] = {"dt", "time_unit", "integrator", "steps"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!et_config_given(config, needed[i]))
            return et_config_error(
                config, "file", "a NIR file says nothing of %s, and it is never guessed: give it",
                needed[i]);
    if (et_config_given(config, "layers"))
        return et_config_error(config, "layers", "the layers come from `file`; give one of both");
    return ET_OK;
}

static enum et_status check_input(const struct et_config *input)
{
    static const char *const sizes[] = {"n", "channels", "height", "width"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (et_config_given(input, sizes[i]))
            return et_config_error(input, sizes[i], "the size of the input comes from `file`");
    return ET_OK;
}

static enum et_status build(struct et__spk_network *net, const struct et_config *config,
                            const char *path)
{
    const struct et_config *nir = et_config_at(config, "nir", 0);
    const struct et__nir_options options = {
        .dt = et_config_real(config, "dt"),
        .steps = (size_t)et_config_int(config, "steps"),
        .unit = et_config_choice(config, "time_unit") == 0 ? 1 : 1e-3,
        .integrator = (enum et__spk_integrator)et_config_choice(config, "integrator"),
        .drive = (enum et__spk_drive)et_config_choice(nir, "current"),
        .reset = (enum et__spk_reset)et_config_choice(nir, "reset"),
        .synapse_delay = (size_t)et_config_int(nir, "synapse_delay"),
    };
    struct et__nir_graph graph;
    ET_TRY(et__nir_read(path, et_config_bool(nir, "lenient"), &graph));
    for (size_t i = 0; i < graph.n_notes; i++)
        et_log(ET_LOG_WARNING, "%s: %s", path, graph.note[i]);
    enum et_status status = et__nir_to_network(&graph, &options, net);
    et__nir_free(&graph);
    return status;
}

enum et_status et__nir_configure(struct et__spk_network *net, const struct et_config *config,
                                 uint64_t seed)
{
    const struct et_config *input = et_config_at(config, "input", 0);
    char *path = NULL;
    ET_TRY(check_given(config));
    ET_TRY(check_input(input));
    ET_TRY(et_config_file(config, et_config_string(config, "file"), &path));
    enum et_status status = build(net, config, path);
    et_free(path);
    ET_TRY(status);
    et__spiking_configure_ends(net, config, seed);
    return ET_OK;
}

enum et_status et__nir_save(const struct et__spk_network *net, const char *path)
{
    struct et__nir_graph graph;
    enum et_status status = et__nir_from_network(net, &graph);
    if (status == ET_OK) status = et__nir_write(&graph, path);
    et__nir_free(&graph);
    return status;
}
