/* SPDX-License-Identifier: Apache-2.0
 *
 * From the ring to retirement: bnn_dispatch, the queues, bnn_tokens, bnn_issue and bnn_retire, with
 * engines and a memory that take any time. All three engines are bnn_issue over a core that only
 * waits; real load and store engines take their tokens and end in the same way.
 *
 * Any program: a descriptor, of the prover's choice, retires at most once and only after it has
 * been dispatched; engines finish in the order of the ring; SYNC passes last; the count of retired
 * descriptors is right; no counter of tokens overflows unnoticed.
 *
 * A program that is right, in an environment that does not wait (EAGER): something retires at
 * least every BOUND cycles: nothing is lost, nothing waits for ever. Programs: load -> compute ->
 * store chains; the same with double buffers. Queues have 2 places here (f_fifo has the order). */
`include "bnn_registers.svh"
module f_sequence #(
  parameter bit EAGER = 1'b0,
  parameter int BOUND = 6
) (
  input logic       clk,
  input logic       desc_valid,
  input logic [2:0] op,
  input logic [3:0] any_dep,
  input logic       complete,
  input logic [2:0] take,
  input logic [2:0] finish,
  input logic       acknowledge
);
  (* anyconst *) logic [1:0] program_kind; // 0 anything, 1 independent, 2 chains, 3 double buffers
  (* anyconst *) logic [5:0] chosen;
  (* anyconst *) logic [2:0] complete_of; // in EAGER programs: load, compute, store

  logic rst = 1'b1;
  always_ff @(posedge clk) rst <= 1'b0;

  // --------------------------------------------------------------------------------- program --
  logic [5:0] head = 6'd0;
  logic [1:0] turn = 2'd0; // of load, compute, store in a chain
  logic [2:0] chains = 3'd0;
  logic [3:0] dep;
  logic desc_ready;
  logic [511:0] desc;
  always_comb begin
    dep = any_dep;
    if (program_kind == 2'd1) dep = 4'd0;
    if (program_kind == 2'd2) dep = turn == 2'd0 ? 4'b1000 : turn == 2'd1 ? 4'b1001 : 4'b0001;
    if (program_kind == 2'd3) begin // {push_next, push_prev, pop_next, pop_prev}
      case (turn)
        2'd0:    dep = {1'b1, 1'b0, chains >= 3'd2, 1'b0};
        2'd1:    dep = {1'b1, 1'b1, chains >= 3'd2, 1'b1};
        default: dep = 4'b0101;
      endcase
    end
    desc = '0;
    desc[7:0]   = {5'd0, op};
    desc[11:8]  = dep;
    desc[12]    = complete;
    desc[37:32] = head; // the tag
    assume (op <= 3'd4);
    assume (head < 6'd60);
    if (program_kind >= 2'd2) assume (op == {1'b0, turn} + 3'd1);
    if (EAGER) begin
      assume (take == 3'b111 && finish == 3'b111 && acknowledge);
      assume (program_kind >= 2'd2 && desc_valid && complete == complete_of[turn]);
      assume (chosen == 6'd1 && (complete_of == 3'd0 || complete_of == 3'd7 || complete_of == 3'd4));
    end
  end

  // ------------------------------------------------------------------------------------ parts --
  logic [126:0] info, dispatch_info, retire_info;
  logic [3:0] d_dep, pop, push, have, full;
  logic [11:0] dispatch_err, retire_err;
  logic lq_push, cq_push, sq_push, lq_room, cq_room, sq_room, simple_valid, simple_ready;
  logic [31:0] done;
  logic stop;
  bnn_dispatch dispatch (
    .stop, .desc_valid(desc_valid && !rst), .desc_ready, .desc, .desc_ok(1'b1), .desc_err(1'b0),
    .index({26'd0, head}), .done, .info, .dep(d_dep), .load_valid(lq_push),
    .load_ready(lq_room), .compute_valid(cq_push), .compute_ready(cq_room), .store_valid(sq_push),
    .store_ready(sq_room), .simple_valid, .simple_ready, .err(dispatch_err),
    .err_info(dispatch_info)
  );
  always_ff @(posedge clk) begin // any error stops, as bnn_control does it
    if (rst) stop <= 1'b0;
    else if (dispatch_err != '0 || retire_err != '0) stop <= 1'b1;
  end

  bnn_tokens tokens (.clk, .rst, .pop, .push, .have, .full);

  logic [2:0] q_push, q_room, q_valid, q_pop, cmd_valid, fin_valid, fin_ready;
  logic [5:0] have_of, pop_of, fin_push;
  logic [3*127-1:0] fin_info;
  assign q_push = {sq_push, cq_push, lq_push};
  assign {sq_room, cq_room, lq_room} = q_room;
  assign have_of = {1'b0, have[2], have[3], have[0], have[1], 1'b0};
  assign pop = {pop_of[3], pop_of[4], pop_of[1], pop_of[2]};
  genvar e;
  generate
    for (e = 0; e < 3; e = e + 1) begin : gen_engine
      logic complete_q;
      logic [5:0] index_q;
      logic [3:0] dep_q;
      logic [1:0] inside;
      logic done_ready;
      bnn_fifo #(.WIDTH(11), .DEPTH(2)) queue (
        .clk, .rst, .push_valid(q_push[e]), .push_ready(q_room[e]),
        .push_data({d_dep, info[126], info[5:0]}), .pop_valid(q_valid[e]), .pop_ready(q_pop[e]),
        .pop_data({dep_q, complete_q, index_q})
      );
      bnn_issue issue (
        .clk, .rst, .stop, .q_valid(q_valid[e]), .q_ready(q_pop[e]), .q_dep(dep_q),
        .q_info({complete_q, 62'd0, 26'd0, index_q, 26'd0, index_q}), .have(have_of[2*e +: 2]),
        .pop(pop_of[2*e +: 2]), .cmd_valid(cmd_valid[e]), .cmd_ready(take[e]),
        .done_valid(inside != 2'd0 && finish[e]), .done_ready, .done_error(16'd0),
        .fin_valid(fin_valid[e]), .fin_ready(fin_ready[e]), .fin_push(fin_push[2*e +: 2]),
        .fin_info(fin_info[127*e +: 127]), .err(), .working(), .name_valid(), .name_info(),
        .wait_load(), .wait_store()
      );
      always_ff @(posedge clk) begin
        inside <= inside + {1'b0, q_pop[e]} - {1'b0, fin_valid[e] && fin_ready[e]};
        if (rst) inside <= 2'd0;
      end
    end
  endgenerate

  logic rec_valid;
  logic [63:0] rec_data;
  logic [2:0] retired;
  bnn_retire retire (
    .clk, .rst, .idle(),
    .load_valid(fin_valid[0]), .load_ready(fin_ready[0]), .load_push(fin_push[1]),
    .load_info(fin_info[126:0]),
    .compute_valid(fin_valid[1]), .compute_ready(fin_ready[1]), .compute_push(fin_push[3:2]),
    .compute_info(fin_info[253:127]),
    .store_valid(fin_valid[2]), .store_ready(fin_ready[2]), .store_push(fin_push[4]),
    .store_info(fin_info[380:254]),
    .simple_valid, .simple_ready, .simple_info(info), .guilty_valid(1'b0), .guilty_ready(),
    .guilty_err(12'd0), .guilty_info(127'd0), .push, .full, .rec_valid, .rec_addr(), .rec_data,
    .rec_done(rec_valid && acknowledge), .rec_err(1'b0), .retired, .done, .irq(),
    .err(retire_err), .err_info(retire_info)
  );

  // ------------------------------------------------------------------------------- properties --
  logic [3:0] ends; // of the chosen one: load, compute, store or simple, record
  logic was_in = 1'b0, was_out = 1'b0;
  logic [5:0] n_in = 6'd0, n_out = 6'd0;
  logic [4:0] still = 5'd0;
  logic [2:0] seen = 3'd0;
  logic [17:0] last = 18'd0; // index that each engine finished last
  always_comb begin
    ends[0] = fin_valid[0] && fin_ready[0] && !fin_info[126] && fin_info[5:0] == chosen;
    ends[1] = fin_valid[1] && fin_ready[1] && !fin_info[253] && fin_info[132:127] == chosen;
    ends[2] = (fin_valid[2] && fin_ready[2] && !fin_info[380] && fin_info[259:254] == chosen) ||
              (simple_valid && simple_ready && !info[126] && info[5:0] == chosen);
    ends[3] = rec_valid && acknowledge && rec_data[5:0] == chosen;
  end
  always_ff @(posedge clk) if (!rst) begin
    if (desc_ready) begin
      head <= head + 6'd1;
      turn <= turn == 2'd2 ? 2'd0 : turn + 2'd1;
      if (turn == 2'd2 && chains != 3'd7) chains <= chains + 3'd1;
      if (head == chosen) was_in <= 1'b1;
    end
    if (ends != 4'd0) was_out <= 1'b1;
    n_in  <= n_in + {5'd0, desc_ready};
    n_out <= n_out + {3'd0, retired};

    assert (ends == 4'd0 || ((was_in || (desc_ready && head == chosen)) && !was_out)); // once
    assert ((ends & (ends - 4'd1)) == 4'd0);
    assert (n_out <= n_in);
    assert (done[5:0] == n_out);
    if (simple_valid && op == 3'd4) assert (n_out == n_in); // SYNC: all before it have retired
    for (int i = 0; i < 3; i = i + 1) begin
      if (fin_valid[i] && fin_ready[i]) begin
        assert (!seen[i] || fin_info[127*i +: 6] > last[6*i +: 6]); // in order
        seen[i] <= 1'b1;
        last[6*i +: 6] <= fin_info[127*i +: 6];
      end
    end

    // No deadlock: what has been dispatched keeps moving.
    if (retired != 3'd0 || n_in == n_out) still <= 5'd0;
    else if (still != 5'd31) still <= still + 5'd1;
    if (EAGER && !stop) assert (still < 5'(BOUND));
    if (program_kind != 2'd0) assert (retire_err == '0);
    cover (n_out == 6'd6 && program_kind == 2'd3);
  end
endmodule
