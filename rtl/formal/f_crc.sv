/* SPDX-License-Identifier: Apache-2.0
 *
 * bnn_crc against the definition of the standard: division of the reversed message by the
 * polynomial 04c11db7, the highest power first. Any register, any beat; and the residue: after any
 * register, `ok` holds exactly when the last 32 bits are the CRC of what came before. */
module f_crc (
  input logic        clk,
  input logic        clear,
  input logic        en,
  input logic [63:0] data
);
  logic [31:0] crc;
  logic ok;
  bnn_crc #(.AXI_DW(64)) dut (.clk, .clear, .en, .data, .crc, .ok);

  function automatic logic [31:0] reversed(input logic [31:0] x);
    for (int i = 0; i < 32; i = i + 1) reversed[i] = x[31 - i];
  endfunction
  // One bit of message: the register moves up, what falls out decides whether to subtract.
  function automatic logic [31:0] divide(input logic [31:0] from, input logic [63:0] bits,
                                         input int n);
    logic [31:0] r;
    r = from;
    for (int i = 0; i < 64; i = i + 1)
      if (i < n) r = {r[30:0], 1'b0} ^ (32'h04c11db7 & {32{r[31] ^ bits[i]}});
    divide = r;
  endfunction

  logic valid = 1'b0;
  logic [31:0] expected, middle;
  logic [63:0] last;
  logic was_en;
  always_ff @(posedge clk) begin
    valid    <= 1'b1;
    was_en   <= en;
    last     <= data;
    middle   <= reversed(divide(reversed(clear ? 32'hffffffff : crc), data, 32));
    expected <= en ? reversed(divide(reversed(clear ? 32'hffffffff : crc), data, 64))
                   : clear ? 32'hffffffff : crc;
    if (valid) assert (crc == expected);
    if (valid && was_en) assert (ok == (last[63:32] == ~middle));
  end
endmodule
