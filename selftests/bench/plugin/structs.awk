# SPDX-License-Identifier: GPL-2.0
#
# pahole kvm_pvi.ko | awk -f structs.awk - print what a ring writes, by structure and cache line. Fail
# if such a structure could share a line with another VM's: kmalloc() gives each object as many
# bytes as the next of its sizes has, which must be whole lines.

BEGIN {
	line = 64
	writes("pvi_edge", "heard", "one sender's permission", "the first ring")
	writes("pvi_edge", "bucket", "one sender's permission", "if limited")
	writes("pvi_edge", "counts", "one sender's permission", "")
	writes("pvi_gsi", "flags", "one receiver's GSI", "if not delivered")
	writes("pvi_gsi", "lock", "one receiver's GSI", "pins")
	writes("pvi_gsi", "bucket", "one receiver's GSI", "if limited")
	writes("pvi_gsi", "rings", "one receiver's GSI", "")
	writes("pvi_bell", "lock", "one receiver's bell", "rings of bells")
	writes("pvi_bell", "flags", "one receiver's bell", "rings of bells")
	per_cpu = "pvi_stats"
	read_only = "pvi_vm pvi_port pvi_port_table"
	printf "%-10s %-8s %6s %5s %5s  %s\n", "structure", "member", "offset", "line", "slab", "whose, when"
}

function writes(structure, member, whose, when)
{
	nr++
	of[nr] = structure
	name[nr] = member
	owner[nr] = whose (when == "" ? "" : ", " when)
}

# What kmalloc() takes for @size bytes
function slab(size, bytes)
{
	if (size > 64 && size <= 96 || size > 128 && size <= 192)
		return size <= 96 ? 96 : 192
	for (bytes = 8; bytes < size; bytes *= 2)
		;
	return bytes
}

/^struct [a-z_]+ \{/ { structure = $2 }
# "	atomic64_t                 rings;                /*    96     8 */"
/;.*\/\* +[0-9]+ +[0-9]+ \*\/$/ {
	member = $0
	sub(/(\[[0-9]+\])?(:[0-9]+)?;.*/, "", member)
	sub(/.*[ *]/, "", member)
	offset[structure, member] = $(NF - 2)
}
/\/\* size: / { size[structure] = $3 + 0 }

END {
	for (i = 1; i <= nr; i++) {
		if (!((of[i], name[i]) in offset)) {
			printf "struct %s has no %s\n", of[i], name[i]
			status = 1
		}
		bytes = slab(size[of[i]])
		printf "%-10s %-8s %6d %5d %5d  %s\n", of[i], name[i], offset[of[i], name[i]],
			offset[of[i], name[i]] / line, bytes, owner[i]
		if (bytes % line) {
			printf "struct %s: objects of %d bytes share cache lines\n", of[i], bytes
			status = 1
		}
	}
	printf "%-10s %-8s %6d %5s %5d  %s\n", per_cpu, "all", 0, "", size[per_cpu], "one CPU"
	print "inside, a count of hook.c's: one CPU"
	print "read alone: " read_only ", and the tables that lead to them"
	exit status
}
