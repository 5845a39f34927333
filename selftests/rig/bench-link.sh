#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench-link.sh [--tree | --tried] - count what two Linux guests and their host run, and how often they exit,
# for a segment, a byte, a turn and a datagram between them: over kvm_pvi_net, virtio-net with vhost-net
# and a bridge, and virtio-net without vhost, and for a byte and a turn of AF_VSOCK: over kvm_pvi_vsock, and over
# two vhost-vsock devices with socat on the host between them; all in one boot. A plugin of QEMU's counts; the
# figure is the median of three rounds. Another boot counts the cache lines that go from one to another. Writes the
# figures to selftests/bench/figures-link.txt, as a table with the goals to Documentation/bench-link.txt, as a picture
# to Documentation/bench-link.svg, and some of them into README.md. With --tree only looks whether those are of the
# figures in the tree. With --tried counts kvm_pvi_net's alone, with something else tried in each boot for the goals that
# are missed, and writes Documentation/bench-tried.txt.
#
# Time is the machine's, since a Linux guest boots too slowly where it is instructions: a busy machine makes
# more ticks count, and other moments meet. So this is no test.

. "$(dirname "$0")/common.sh"

series=6.12
out=$build/bench-link
bench=$top/selftests/bench
figures=$bench/figures-link.txt

build_all()
{
	local kernel guest=$out/guest tools=$out/tools-root

	mkdir -p "$out"
	quietly "$build/selftests.log" make -C "$top/selftests" -j2 OUTPUT="$build/selftests" \
		TESTS=e2e_net_test tests
	quietly "$build/tools.log" make -C "$top/tools" -j2 OUTPUT="$build/tools" \
		DESTDIR="$tools" PREFIX=/usr install
	quietly "$build/plugin.log" gcc -Wall -Wextra -Werror -O2 -shared -fPIC -o "$build/spans.so" \
		"$bench/plugin"/{spans,lines}.c
	LD_LIBRARY_PATH=$tools/usr/lib "$rig/guest.sh" "$series" "$guest" \
		"$build"/selftests/e2e/pvi_{flow,net,vsock}
	kernel=$("$rig/kernel.sh" "$series")
	"$rig/prepare.sh" "$series" "$out" -9 -f "$guest:/guests/older" -f "$guest:/guests/newer" \
		-f "$kernel/modules/net:/modules/net" -f "$kernel/modules/vsock:/modules/vsock" -f "$tools:/tools" \
		-f "$build/selftests/tools:/selftests/tools" \
		-f "$top/selftests/bench_link.sh:/selftests/bench_link.sh" \
		-e "RIG_RUN=insmod /modules/kvm_pvi.ko && /selftests/bench_link.sh"
}

# flows FILE ARGUMENTS [,OPTION] - write to FILE what the plugin has counted, each span behind its name, which is in the
# output, in the same order. bench_link.sh has the arguments as variables.
flows()
{
	local status=0

	"$rig/boot.sh" "$out/kernel" "$out/initramfs" "$out" -1 -9 / -t "${DEADLINE:-3600}" \
		-a "$2" -p "$build/spans.so,out=$out/spans${3:-}" &
	trap 'kill $!; wait $!; exit 143' INT TERM
	wait $! || status=$?
	if [ "$status" -ne 0 ]; then
		cat "$out/output" >&2
		die "the flows have failed; all output is in $out"
	fi
	paste -d ' ' <(grep '^span ' "$out/output") "$out/spans" >"$1"
}

# Lines in a run of their own: what looks at them has the machine take longer, so more ticks would count.
count()
{
	local release

	release=$(cat "$out/kernel/release")
	say "counting on $release"
	flows "$out/counts" ROUNDS=3
	say "counting lines"
	flows "$out/lines" ROUNDS=1 ,lines=on
	{
		echo "# kernel $release"
		echo "# tree $tree, $(date -u +%F)"
		echo "# unit instructions"
		echo "# name both host guests exits rings halts interrupts lines"
		awk -f "$bench/link_median.awk" "$out/lines" "$out/counts"
	} >"$out/figures.txt"
}

# What bench_link.sh knows how to try, and what that is
tried="
nothing	as above, but with no other network
guests_poll	guests that poll instead of halting (idle=poll)
host_polls_not	a host that does not poll before a guest's processor sleeps (halt_poll_ns=0)
sockets_poll	sockets that poll for 1 ms (busy_read, busy_poll)
interrupts_later	interrupts later (napi_defer_hard_irqs=2, gro_flush_timeout=200000)
large_rings	a link of 32 MB instead of 4 MB
"

try_all()
{
	local name words

	while IFS=$'\t' read -r -u 3 name words; do
		[ -n "$name" ] || continue
		say "counting with $words"
		flows "$out/tried-$name" "TRIED=$name"
	done 3<<<"$tried"
}

# tried_report TREE
tried_report()
{
	local name words

	echo "kernel $(cat "$out/kernel/release"), tree $1, $(date -u +%F)"
	printf '\n%-80s %10s %10s %10s %10s %10s %10s\n' '' turn exits burst exits byte host
	while IFS=$'\t' read -r -u 3 name words; do
		[ -n "$name" ] || continue
		awk -v words="$words" '
			{ both[$2] = ($8 + $9) / $3; host[$2] = $8 / $3; exits[$2] = $10 / $3 }
			END { printf "%-80s %10.0f %10.2f %10.0f %10.4f %10.3f %10.3f\n", words, both["pvi_turn"],
				exits["pvi_turn"], both["pvi_burst"], exits["pvi_burst"], both["pvi_byte"],
				host["pvi_byte"] }' "$out/tried-$name"
	done 3<<<"$tried"
}

report()
{
	awk -f "$bench/link_report.awk" "$figures" "$bench/goals-link"
}

picture()
{
	awk -f "$bench/plot.awk" -f "$bench/plot_link.awk" "$figures"
}

readme()
{
	awk -f "$bench/link_readme.awk" "$figures" "$top/README.md"
}

is_current()
{
	report | cmp -s - "$top/Documentation/bench-link.txt" &&
	picture | cmp -s - "$top/Documentation/bench-link.svg" && readme | cmp -s - "$top/README.md" && return
	echo '# what is made of figures-link.txt is not of it: "make bench-link", and commit what it writes'
	return 1
}

if [ "${1:-}" = --tree ]; then
	is_current
	exit
fi
[[ $* =~ ^(--tried)?$ ]] || die "usage: bench-link.sh [--tree | --tried]"
lock "$build/lock"
tree=$(tree_of)
"$rig/setup.sh"
build_all
if [ "${1:-}" = --tried ]; then
	try_all
	tried_report "$tree" | tee "$top/Documentation/bench-tried.txt"
	exit
fi
count
cp "$out/figures.txt" "$figures"
report | tee "$top/Documentation/bench-link.txt"
picture >"$top/Documentation/bench-link.svg"
readme >"$build/README.md"
cp "$build/README.md" "$top/README.md"
