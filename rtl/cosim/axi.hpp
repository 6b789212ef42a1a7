/* SPDX-License-Identifier: Apache-2.0
 *
 * One cycle of an AXI4 port without IDs, as plain values: what the device drives, what the memory
 * drives.  Data are up to 128 bits, byte lane 0 lowest. */
#ifndef ETALON_COSIM_AXI_HPP
#define ETALON_COSIM_AXI_HPP

#include <cstdint>

namespace et
{

enum : uint8_t { AXI_OKAY = 0, AXI_SLVERR = 2, AXI_DECERR = 3 };
enum : uint8_t { AXI_INCR = 1 };

struct axi_address {
    bool valid = false;
    uint8_t length = 0; /* beats - 1 */
    uint8_t size = 0;   /* log2 of the bytes of a beat */
    uint8_t burst = 0;
    uint64_t address = 0;
};

struct axi_from_device {
    axi_address ar, aw;
    bool rready = false, bready = false;
    bool wvalid = false, wlast = false;
    uint16_t wstrb = 0;
    uint64_t wdata[2] = {0, 0};
};

struct axi_to_device {
    bool arready = false, awready = false, wready = false;
    bool rvalid = false, rlast = false, bvalid = false;
    uint8_t rresp = 0, bresp = 0;
    uint64_t rdata[2] = {0, 0};
};

} // namespace et
#endif
