# SPDX-License-Identifier: Apache-2.0
# Lists the places of the RTL where one operator or constant can be exchanged: one line each,
#   file <tab> line <tab> column <tab> length <tab> replacement
# Comments, assertions (everything between `ifndef SYNTHESIS or `ifdef FORMAL and its `endif),
# declarations, parameters and ranges are left alone.

BEGIN {
    n = split("+ - == != < <= > >= && || & | ^ ~ ! 1'b0 1'b1 << >> >>>", from, " ")
    split("- + != == <= < >= > || && | & & @ @ 1'b1 1'b0 >> << >>", to, " ")
}

FNR == 1 { guarded = comment = 0 }
/^[ \t]*\/\*/ { comment = 1 }
comment { if (/\*\//) comment = 0; next }
# How much there is, not what it does.
/genvar|(^|[^a-z])for \(|begin : g/ { next }
/^[ \t]*`if(n?def) (SYNTHESIS|FORMAL)/ { guarded++; next }
/^[ \t]*`endif/ { if (guarded > 0) guarded--; next }
guarded || /^[ \t]*`/ { next }
/^[ \t]*(input|output|parameter|localparam|module|endmodule|logic|wire|genvar|function|import|assert|assume|cover)/ {
    next
}
/\$(error|fatal|display|clog2)/ { next }
{
    line = $0
    sub(/\/\/.*/, "", line)
    # Columns inside brackets (ranges, indices, replications) stay as they are.
    depth = 0
    for (c = 1; c <= length(line); c++) {
        ch = substr(line, c, 1)
        if (ch == "[") depth++
        if (ch == "]") depth--
        inside[c] = depth > 0
    }
    for (c = 1; c <= length(line); c++) {
        if (inside[c]) continue
        best = 0
        for (k = 1; k <= n; k++)
            if (substr(line, c, length(from[k])) == from[k] && length(from[k]) > best) {
                best = length(from[k])
                at = k
            }
        if (best == 0) continue
        # "<=" at statement level is an assignment; keep those inside a parenthesis or after "=".
        before = substr(line, 1, c - 1)
        if (from[at] == "<=" && before !~ /[=(?]|assign|if/) {
            c += best - 1
            continue
        }
        # The tick of a sized constant, a reduction in front of a name: fine.  "=>", "->": not.
        after = substr(line, c + best, 1)
        if (after == ">" && from[at] ~ /[-=]/) continue
        # "+:" and "-:" select; "@" stands for nothing.
        if (after == ":" && from[at] ~ /^[+-]$/) continue
        printf "%s\t%d\t%d\t%d\t%s\n", FILENAME, FNR, c, best, to[at] == "@" ? "" : to[at]
        c += best - 1
    }
}
