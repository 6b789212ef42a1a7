// SPDX-License-Identifier: Apache-2.0
//
// Check bits of a SECDED code over one word of W data bits (W a power of two), combinational; 0
// unless en, so that a simulator has nothing to do in idle cycles.
//
// Every column of the parity-check matrix has odd weight (M. Y. Hsiao, 1970), so a single error
// gives an odd syndrome and a double error an even one that is not zero. With L = log2(W), the
// column of data bit k > 0 is its number k, then a 1; that of data bit 0 is L ones, then a 0; one
// more bit makes the weight odd. The syndrome thus names the wrong bit without a table.
module bnn_ecc_encode #(
  parameter int W  = 32,
  parameter int CB = $clog2(W) + 2
) (
  input  logic          en,
  input  logic [W-1:0]  data,
  output logic [CB-1:0] check
);
  // The data bits that each check bit covers, of all columns.
  function automatic logic [CB*W-1:0] all_masks(input int columns);
    int weight;
    all_masks = '0;
    for (int k = 0; k < columns; k++) begin
      weight = (k == 0) ? CB - 2 : 1;
      for (int b = 0; b < CB - 2; b++) begin
        all_masks[b*W+k] = (k == 0) || (((k >> b) & 1) != 0);
        if (((k >> b) & 1) != 0) weight = weight + 1;
      end
      all_masks[(CB-2)*W+k] = (k != 0);
      all_masks[(CB-1)*W+k] = (weight % 2) == 0;
    end
  endfunction

  localparam logic [CB*W-1:0] Masks = all_masks(W);

  always_comb begin
    check = '0;
    if (en) for (int b = 0; b < CB; b++) check[b] = ^(data & Masks[b*W +: W]);
  end

`ifndef SYNTHESIS
  initial begin
    assert (W == 1 << (CB - 2));
    assert (W >= 4);
    assert (Masks[0]);
  end
`endif
endmodule : bnn_ecc_encode
