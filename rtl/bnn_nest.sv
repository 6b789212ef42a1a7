// SPDX-License-Identifier: Apache-2.0
//
// The loop nest of COMPUTE: one step of the array per cycle, with the places it reads.
//
//   prepare  for one cycle, with the command's fields valid; seven products (strides in beats) are
//            formed by one multiplier, and `prepared` is raised once all counters are loaded
//   run      steps may be issued: `step`, valid with the places and flags of this cycle
//   hold     the last step of an output is held back until the output stage will be free
//   outside  this step would leave a buffer; it is not issued
//   finished with `step`: the last of all
//
// After that every place is a sum of increments. Places are computed modulo 2^26 with a row pitch
// that saturates at 2^17 - 1: rows and columns inside the image are visited in order and the first
// place outside the buffer (of at most 2^16 beats) ends the command, so none can wrap around.
module bnn_nest #(
  parameter int SIMD   = 32,
  parameter int AXI_DW = 64,
  parameter int WDEPTH = 2048,
  parameter int ADEPTH = 4096,
  parameter int TDEPTH = 256,
  parameter int CDEPTH = 256,
  parameter int RW     = (AXI_DW > SIMD) ? $clog2(AXI_DW / SIMD) : 1
) (
  input  logic            clk,
  input  logic            rst,
  input  logic            prepare,
  output logic            prepared,
  input  logic            run,

  input  logic            a_signed,
  input  logic            w_signed,
  input  logic            resume,
  input  logic            final_sums,
  input  logic            codes,
  input  logic [2:0]      a_last,
  input  logic [2:0]      w_last,
  input  logic [3:0]      o_bits,
  input  logic [3:0]      pool,
  input  logic [15:0]     h,
  input  logic [15:0]     w,
  input  logic [3:0]      k_h,
  input  logic [3:0]      k_w,
  input  logic [3:0]      stride_y,
  input  logic [3:0]      stride_x,
  input  logic [3:0]      pad_top,
  input  logic [3:0]      pad_left,
  input  logic [15:0]     out_h,
  input  logic [15:0]     out_w,
  input  logic [15:0]     a_base,
  input  logic [15:0]     w_base,
  input  logic [15:0]     t_base,
  input  logic [15:0]     acc_base,
  input  logic [15:0]     a_pixel,
  input  logic [15:0]     a_plane,
  input  logic [15:0]     last_tile,
  input  logic [15:0]     last_chunk,
  input  logic [6:0]      post_last,

  output logic            step,
  output logic            hold,
  output logic            outside,
  output logic            finished,
  output logic            in_image,
  output logic [15:0]     a_addr,
  output logic [RW-1:0]   a_word,
  output logic [15:0]     w_addr,
  output logic [15:0]     acc_addr,
  output logic            chunk_end,
  output logic            negate,
  output logic [3:0]      shift,
  output logic            first,
  output logic            last,
  output logic            pool_first,
  output logic            pool_last,
  output logic            tile_end,
  output logic            tile_partial
);
  localparam int R = AXI_DW / SIMD;

  // Products of the set-up, one per cycle; phase 7 loads the counters.
  logic [3:0]  phase;
  logic [2:0]  turn;
  logic [20:0] factor_a;
  logic [15:0] factor_b;
  logic [31:0] product;
  logic [16:0] row;                 // beats from row to row
  logic [20:0] step_x, step_y;      // from pixel to pixel of a pooling window
  logic [25:0] window_x, window_y;  // from window to window
  logic [25:0] a_start;             // of the first tap of the first output
  logic        working;
  assign working = phase != 4'd8;
  assign turn    = phase[2:0];
  always_comb begin
    case (turn)
      3'd0:    factor_a = 21'(w);
      3'd2:    factor_a = 21'(row);
      3'd3:    factor_a = step_x;
      3'd4:    factor_a = step_y;
      3'd6:    factor_a = 21'(row);
      default: factor_a = 21'(a_pixel);
    endcase
    case (turn)
      3'd0:    factor_b = a_pixel;
      3'd1:    factor_b = 16'(stride_x);
      3'd2:    factor_b = 16'(stride_y);
      3'd5:    factor_b = 16'(pad_left);
      3'd6:    factor_b = 16'(pad_top);
      default: factor_b = 16'(pool);
    endcase
    product = 32'(factor_a) * 32'(factor_b);
  end
  always_ff @(posedge clk) begin
    if (rst) phase <= 4'd8;
    else if (prepare) phase <= 4'd0;
    else if (working) phase <= phase + 4'd1;
    if (working) begin
      case (turn)
        3'd0:    row <= (|product[31:17]) ? '1 : product[16:0];
        3'd1:    step_x <= product[20:0];
        3'd2:    step_y <= product[20:0];
        3'd3:    window_x <= product[25:0];
        3'd4:    window_y <= product[25:0];
        3'd5:    a_start <= 26'(a_base) - product[25:0];
        3'd6:    a_start <= a_start - product[25:0];
        default: ;
      endcase
    end
  end
  assign prepared = !working;

  // Counters, innermost first: planes j of weights and i of activations, chunk, taps, the window's
  // pixels, windows, tiles. x_done says that the loop x and all inside it are at their end.
  logic [2:0]  j, i;
  logic [15:0] chunk, ox, oy, tile;
  logic [3:0]  kx, ky, px, py;
  logic        j_done, i_done, chunk_done, kx_done, px_done, py_done, ox_done;
  assign chunk_end  = chunk == last_chunk;
  assign j_done     = j == w_last;
  assign i_done     = j_done && i == a_last;
  assign chunk_done = i_done && chunk_end;
  assign kx_done    = chunk_done && kx == k_w - 4'd1;
  assign last       = kx_done && ky == k_h - 4'd1;
  assign px_done    = last && px == pool - 4'd1;
  assign py_done    = px_done && py == pool - 4'd1;
  assign ox_done    = py_done && ox == out_w - 16'd1;
  assign tile_end   = ox_done && oy == out_h - 16'd1;
  assign finished   = tile_end && tile_partial;
  assign pool_first = px == '0 && py == '0;
  assign pool_last  = py_done;
  assign tile_partial = tile == last_tile;

  // The image position of the tap, and where its loops began; negative ones are above any size.
  logic [23:0] ix, ix_px, ix_ox, iy, iy_py, iy_oy, left, top;
  assign left = 24'd0 - 24'(pad_left);
  assign top  = 24'd0 - 24'(pad_top);
  assign in_image = ix < 24'(w) && iy < 24'(h);

  // Places: of the step, and where the loops around it began.
  logic [25:0] a_at, a_chunk, a_kx, a_ky, a_px, a_py, a_ox, a_oy;
  logic [16:0] w_at, w_next, w_chunk, w_tile;
  logic [16:0] acc_at;
  logic [17:0] t_end;               // one past the tile's threshold words
  assign w_next = w_at + 17'd1;

  // The next tap: one adder, its base and increment by the outermost loop that moves.
  logic [25:0] tap_base, tap_step, tap_next;
  always_comb begin
    tap_base = a_start;
    tap_step = '0;
    if (!kx_done) begin
      tap_base = a_kx;
      tap_step = 26'(a_pixel);
    end else if (!last) begin
      tap_base = a_ky;
      tap_step = 26'(row);
    end else if (!px_done) begin
      tap_base = a_px;
      tap_step = 26'(step_x);
    end else if (!py_done) begin
      tap_base = a_py;
      tap_step = 26'(step_y);
    end else if (!ox_done) begin
      tap_base = a_ox;
      tap_step = window_x;
    end else if (!tile_end) begin
      tap_base = a_oy;
      tap_step = window_y;
    end
    tap_next = tap_base + tap_step;
  end

  // Interval between last steps, so that results reach the output stage when it is free.
  logic [6:0] gap;
  logic       late, beat_end;
  assign late    = last && gap != '0;
  assign outside = run && ((in_image && a_at >= 26'(ADEPTH)) || w_at >= 17'(WDEPTH) ||
                           ((resume || !final_sums) && acc_at >= 17'(CDEPTH)) ||
                           (final_sums && codes && t_end > 18'(TDEPTH)));
  assign step    = run && !late && !outside;
  assign hold    = run && late && !outside;

  assign a_addr   = a_at[15:0];
  assign w_addr   = w_at[15:0];
  assign acc_addr = acc_at[15:0];
  assign a_word   = (R > 1) ? chunk[RW-1:0] : '0;
  assign beat_end = R == 1 || (&a_word);
  assign shift    = 4'(i) + 4'(j);
  assign negate   = (a_signed && i == a_last) != (w_signed && j == w_last);

  always_ff @(posedge clk) begin
    if (working && phase == 4'd7) begin
      j       <= '0;
      i       <= '0;
      chunk   <= '0;
      kx      <= '0;
      ky      <= '0;
      px      <= '0;
      py      <= '0;
      ox      <= '0;
      oy      <= '0;
      tile    <= '0;
      first   <= 1'b1;
      gap     <= '0;
      w_at    <= 17'(w_base);
      w_chunk <= 17'(w_base);
      w_tile  <= 17'(w_base);
      acc_at  <= 17'(acc_base);
      t_end   <= 18'(t_base) + (18'd1 << o_bits);
      a_at    <= a_start;
      a_chunk <= a_start;
      a_kx    <= a_start;
      a_ky    <= a_start;
      a_px    <= a_start;
      a_py    <= a_start;
      a_ox    <= a_start;
      a_oy    <= a_start;
      ix      <= left;
      ix_px   <= left;
      ix_ox   <= left;
      iy      <= top;
      iy_py   <= top;
      iy_oy   <= top;
    end else if (step) begin
      first <= last;
      gap   <= last ? post_last : (gap != '0) ? gap - 7'd1 : '0;
      j     <= j_done ? '0 : j + 3'd1;
      if (j_done) i <= i_done ? '0 : i + 3'd1;

      w_at <= w_next;
      if (tile_end) begin
        w_tile  <= w_next;
        w_chunk <= w_next;
      end else if (last) begin
        w_at    <= w_tile;
        w_chunk <= w_tile;
      end else if (i_done) begin
        w_chunk <= w_next;
      end else if (j_done) begin
        w_at <= w_chunk;
      end

      if (chunk_done) begin
        chunk   <= '0;
        a_at    <= tap_next;
        a_chunk <= tap_next;
        a_kx    <= tap_next;
        kx      <= kx_done ? '0 : kx + 4'd1;
        ix      <= ix + 24'd1;
        if (kx_done) begin
          a_ky <= tap_next;
          ky   <= last ? '0 : ky + 4'd1;
          ix   <= ix_px;
          iy   <= iy + 24'd1;
        end
        if (last) begin
          acc_at <= acc_at + 17'd1;
          a_px   <= tap_next;
          px     <= px_done ? '0 : px + 4'd1;
          ix_px  <= ix_px + 24'(stride_x);
          ix     <= ix_px + 24'(stride_x);
          iy     <= iy_py;
        end
        if (px_done) begin
          a_py  <= tap_next;
          py    <= py_done ? '0 : py + 4'd1;
          ix_px <= ix_ox;
          ix    <= ix_ox;
          iy_py <= iy_py + 24'(stride_y);
          iy    <= iy_py + 24'(stride_y);
        end
        if (py_done) begin
          // ix_px is that of the window's last pixel.
          a_ox  <= tap_next;
          ox    <= ox_done ? '0 : ox + 16'd1;
          ix_ox <= ix_px + 24'(stride_x);
          ix_px <= ix_px + 24'(stride_x);
          ix    <= ix_px + 24'(stride_x);
          iy_py <= iy_oy;
          iy    <= iy_oy;
        end
        if (ox_done) begin
          a_oy  <= tap_next;
          oy    <= tile_end ? '0 : oy + 16'd1;
          ix_ox <= left;
          ix_px <= left;
          ix    <= left;
          iy_oy <= iy_py + 24'(stride_y);
          iy_py <= iy_py + 24'(stride_y);
          iy    <= iy_py + 24'(stride_y);
        end
        if (tile_end) begin
          tile  <= tile + 16'd1;
          t_end <= t_end + (18'd1 << o_bits);
          iy_oy <= top;
          iy_py <= top;
          iy    <= top;
        end
      end else if (i_done) begin
        chunk   <= chunk + 16'd1;
        a_chunk <= a_chunk + 26'(beat_end);
        a_at    <= a_chunk + 26'(beat_end);
      end else if (j_done) begin
        a_at <= a_at + 26'(a_plane);
      end
    end else if (gap != '0) begin
      gap <= gap - 7'd1;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    if (!rst && step) begin
      assert (!hold);
      assert (!finished || last);
      assert (tile <= last_tile);
      assert (!in_image || 32'(a_addr) < ADEPTH);
      assert (32'(w_addr) < WDEPTH);
    end
  end
`endif
endmodule : bnn_nest
