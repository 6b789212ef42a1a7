// SPDX-License-Identifier: Apache-2.0
//
// Check bits of a SECDED code over one word of W data bits (W a power of two), combinational.
//
// Every column of the parity-check matrix has odd weight (M. Y. Hsiao, 1970), so a single error
// gives an odd syndrome and a double error an even one that is not zero. With L = log2(W), the
// column of data bit k > 0 is its number k, then a 1; that of data bit 0 is L ones, then a 0; one
// more bit makes the weight odd. The syndrome thus names the wrong bit without a table.
module bnn_ecc_encode #(
  parameter int W  = 32,
  parameter int CB = $clog2(W) + 2
) (
  input  logic [W-1:0]  data,
  output logic [CB-1:0] check
);
  localparam int L = $clog2(W);

  // Data bits that check bit b covers.
  function automatic logic [W-1:0] covered(input int b);
    int weight;
    covered = '0;
    for (int k = 0; k < W; k++) begin
      if (b < L) begin
        covered[k] = (k == 0) || (((k >> b) & 1) != 0);
      end else if (b == L) begin
        covered[k] = (k != 0);
      end else begin
        weight = (k == 0) ? L : 1;
        for (int i = 0; i < L; i++) if (((k >> i) & 1) != 0) weight = weight + 1;
        covered[k] = (weight % 2) == 0;
      end
    end
  endfunction

  for (genvar b = 0; b < CB; b++) begin : g_check
    localparam logic [W-1:0] Mask = covered(b);
    assign check[b] = ^(data & Mask);
  end

`ifndef SYNTHESIS
  initial begin
    assert (W == 1 << L);
    assert (CB == L + 2);
    assert (W >= 4);
  end
`endif
endmodule : bnn_ecc_encode
