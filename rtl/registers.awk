# SPDX-License-Identifier: Apache-2.0
# Makes from rtl/registers.txt, by the variable `out`:
#   c            bnn_registers.h, constants for the host
#   sv           bnn_registers.svh, macros for the RTL
#   registers    the table of registers for docs/accelerator.md
#   descriptors  the tables of descriptor fields
#
#   awk -v out=c -f rtl/registers.awk rtl/registers.txt
#
# The hash covers names, places and access, not the texts.

BEGIN {
    for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i
    hash = 1
}

function text_from(n,    i, text) {
    for (i = n; i <= NF; i++) text = text (i > n ? " " : "") $i
    return text
}

function add_to_hash(n,    i, k) {
    for (i = 1; i <= n; i++)
        for (k = 1; k <= length($i); k++) hash = (hash * 257 + code[substr($i, k, 1)]) % 65521
}

# Hexadecimal text to a number.
function value(text,    i, v) {
    if (text !~ /^0x/) return text + 0
    for (i = 3; i <= length(text); i++)
        v = v * 16 + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
    return v
}

function bits(msb, lsb) { return msb == lsb ? msb : msb "…" lsb }

/^#/ || NF == 0 { next }
$1 == "reg" {
    add_to_hash(5)
    n_regs++
    name[n_regs] = $2; offset[n_regs] = value($3); access[n_regs] = $4; reset[n_regs] = $5
    doc[n_regs] = text_from(6)
    next
}
$1 == "counter" {
    add_to_hash(3)
    n_counters++
    counter[n_counters] = $2; counter_offset[n_counters] = value($3)
    counter_doc[n_counters] = text_from(4)
    next
}
$1 == "field" || $1 == "word" {
    shift = $1 == "word"
    add_to_hash(5 + shift)
    n_fields++
    kind[n_fields] = $1; owner[n_fields] = $2; field[n_fields] = $3; word[n_fields] = shift ? $4 : 0
    msb[n_fields] = $(4 + shift) + 0; lsb[n_fields] = $(5 + shift) + 0
    field_doc[n_fields] = text_from(6 + shift)
    next
}
{
    print "registers.txt:" NR ": unknown line: " $0 >"/dev/stderr"
    exit 1
}

function c_header(    i, p) {
    print "/* SPDX-License-Identifier: Apache-2.0"
    print " *"
    print " * Registers and descriptor fields of the binarized accelerator.  Generated from"
    print " * rtl/registers.txt by rtl/registers.awk. */"
    print "#ifndef ETALON_BNN_REGISTERS_H"
    print "#define ETALON_BNN_REGISTERS_H"
    print ""
    print "/* Hash of the map, as VERSION says it. */"
    printf "enum { ET__BNN_MAP_HASH = 0x%04x };\n\n", hash
    print "/* Offsets in bytes; counters are 64 bits, low word first. */"
    print "enum et__bnn_register {"
    for (i = 1; i <= n_regs; i++) printf "    ET__BNN_REG_%s = 0x%03x,\n", name[i], offset[i]
    for (i = 1; i <= n_counters; i++)
        printf "    ET__BNN_COUNTER_%s = 0x%03x,\n", counter[i], counter_offset[i]
    print "};\n"
    print "/* Fields: lowest bit and, shifted down to bit 0, mask. */"
    print "enum {"
    for (i = 1; i <= n_fields; i++) {
        if (kind[i] != "field") continue
        p = "    ET__BNN_" owner[i] "_" field[i]
        printf "%s_SHIFT = %d,\n", p, lsb[i]
        printf "%s_MASK = 0x%x,\n", p, 2 ^ (msb[i] - lsb[i] + 1) - 1
    }
    print "};\n"
    print "/* Descriptor fields; ANY belongs to all operations. */"
    print "struct et__bnn_field {"
    print "    unsigned char word, shift, width;"
    print "};"
    for (i = 1; i <= n_fields; i++)
        if (kind[i] == "word")
            printf "#define ET__BNN_%s_%s ((struct et__bnn_field){%d, %d, %d})\n", owner[i],
                   field[i], word[i], lsb[i], msb[i] - lsb[i] + 1
    print ""
    print "/* X(operation, field) for all of them, to check or to print a descriptor. */"
    printf "#define ET__BNN_FIELDS(X)"
    for (i = 1; i <= n_fields; i++)
        if (kind[i] == "word") printf " \\\n    X(%s, %s)", owner[i], field[i]
    print "\n\n#endif"
}

function sv_header(    i, p) {
    print "// SPDX-License-Identifier: Apache-2.0"
    print "// Registers and descriptor fields.  Generated from rtl/registers.txt by rtl/registers.awk."
    print "`ifndef BNN_REGISTERS_SVH"
    print "`define BNN_REGISTERS_SVH"
    printf "`define BNN_MAP_HASH 16'h%04x\n", hash
    for (i = 1; i <= n_regs; i++) {
        printf "`define BNN_REG_%s 12'h%03x\n", name[i], offset[i]
        if (reset[i] ~ /^0x/) printf "`define BNN_RESET_%s 32'h%08x\n", name[i], value(reset[i])
    }
    for (i = 1; i <= n_counters; i++)
        printf "`define BNN_COUNTER_%s 12'h%03x\n", counter[i], counter_offset[i]
    print "// Fields of registers: highest and lowest bit."
    for (i = 1; i <= n_fields; i++) {
        if (kind[i] != "field") continue
        p = "`define BNN_" owner[i] "_" field[i]
        printf "%s_MSB %d\n%s_LSB %d\n", p, msb[i], p, lsb[i]
    }
    print "// Fields of descriptors: highest and lowest bit in the 512 bits, word 0 lowest."
    for (i = 1; i <= n_fields; i++) {
        if (kind[i] != "word") continue
        p = "`define BNN_D_" owner[i] "_" field[i]
        printf "%s_MSB %d\n%s_LSB %d\n", p, 32 * word[i] + msb[i], p, 32 * word[i] + lsb[i]
    }
    print "`endif"
}

function register_table(    i, k) {
    print "| offset | register | access | meaning |"
    print "|---|---|---|---|"
    for (i = 1; i <= n_regs; i++) {
        printf "| %03x | `%s` | %s | %s", offset[i], name[i], access[i], doc[i]
        for (k = 1; k <= n_fields; k++)
            if (kind[k] == "field" && owner[k] == name[i])
                printf " **%s** `%s` %s", bits(msb[k], lsb[k]), field[k], field_doc[k]
        print " |"
    }
    for (i = 1; i <= n_counters; i++)
        printf "| %03x | counter `%s` | ro | %s |\n", counter_offset[i], counter[i], counter_doc[i]
}

function descriptor_tables(    i, last) {
    for (i = 1; i <= n_fields; i++) {
        if (kind[i] != "word") continue
        if (owner[i] != last) {
            if (last != "") print ""
            print "| " (owner[i] == "ANY" ? "all operations" : owner[i]) " | word | bits | meaning |"
            print "|---|---|---|---|"
            last = owner[i]
        }
        printf "| `%s` | %d | %s | %s |\n", field[i], word[i], bits(msb[i], lsb[i]), field_doc[i]
    }
}

END {
    if (out == "c") c_header()
    else if (out == "sv") sv_header()
    else if (out == "registers") register_table()
    else if (out == "descriptors") descriptor_tables()
    else {
        print "registers.awk: set out to c, sv, registers or descriptors" >"/dev/stderr"
        exit 1
    }
}
