#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh DIR [MISTAKE...] - whether the tests of pvi_ring.h would notice: put one mistake after the other,
# or of those named, into a copy of the header under DIR, and run them until one fails. A mistake that none notices is a
# failure. Prints TAP.

set -uo pipefail
dir=${1:?usage: mutants.sh DIR [MISTAKE...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
header=$(cd "$here/../../include/uapi/linux" && pwd)/pvi_ring.h

# What it is; a line of the header, or the part of one that is unique; what stands there instead.
mutants=(
	"no barrier between index and wake"
	$'pairs with pvi_ring_arm() */\n\t__atomic_thread_fence(__ATOMIC_SEQ_CST);'
	"*/"
	"no barrier between wake and index"
	$'__ATOMIC_RELAXED);\n\t__atomic_thread_fence(__ATOMIC_SEQ_CST);'
	"__ATOMIC_RELAXED);"
	"index published relaxed"
	"__atomic_store_n(word, index, __ATOMIC_RELEASE);"
	"__atomic_store_n(word, index, __ATOMIC_RELAXED);"
	"index looked at relaxed"
	"__u32 index = __atomic_load_n(word, __ATOMIC_ACQUIRE);"
	"__u32 index = __atomic_load_n(word, __ATOMIC_RELAXED);"
	"life of INIT stored relaxed"
	"__atomic_store_n(&own->life, link->life, __ATOMIC_RELEASE);"
	"__atomic_store_n(&own->life, link->life, __ATOMIC_RELAXED);"
	"life looked at relaxed"
	"__atomic_load_n(&link->peer->life, __ATOMIC_ACQUIRE)"
	"__atomic_load_n(&link->peer->life, __ATOMIC_RELAXED)"
	"prod cleared relaxed"
	"__atomic_store_n(&queue->prod[0], 0, __ATOMIC_RELEASE);"
	"__atomic_store_n(&queue->prod[0], 0, __ATOMIC_RELAXED);"
	"prod not cleared"
	"__atomic_store_n(&queue->prod[0], 0, __ATOMIC_RELEASE);"
	""
	"secret not compared"
	"(__atomic_load_n(&own->secret[i], __ATOMIC_RELAXED) ^"
	"0 * (__atomic_load_n(&own->secret[i], __ATOMIC_RELAXED) ^"
	"laps not counted"
	"word[1]++;"
	"word[1] = 0;"
	"laps of the session before go on"
	"queue->prod[1] = 0;"
	""
	"life not compared"
	"if (__atomic_load_n(end->life, __ATOMIC_RELAXED) >> 2 != end->want)"
	"if (!end->life)"
	"index not limited"
	"index - end->seen > limit - end->seen || index & 7"
	"limit != index && index & 7"
	"index may be odd"
	"limit - end->seen || index & 7"
	"limit - end->seen"
	"index limited by one too much"
	"end->limit + end->size);"
	"end->limit + end->size + 8);"
	"length computed with 32 bits"
	"need = PVI_RING_NEED((__u64)*len);"
	"need = PVI_RING_NEED(*len);"
	"length may exceed what is there by 8"
	"if (need <= near)"
	"if (need <= near + 8)"
	"length loaded twice"
	"need = PVI_RING_NEED((__u64)*len);"
	"need = PVI_RING_NEED((__u64)*(const volatile __u32 *)at);"
	"pad at the beginning"
	"at == end->data || "
	""
	"pad before the end"
	"|| at == end->data || end->limit & (end->size - 1)"
	"|| at == end->data"
	"piece over the end"
	"end->near = near < end->size - at ? near : end->size - at;"
	"end->near = near;"
	"room up to the receiver's message"
	"span > end->size - (prod - end->seen))"
	"span > end->size + 8 - (prod - end->seen))"
	"pad too late"
	"return need > left ? left + need : need;"
	"return need > left + 8 ? left + need : need;"
	"wake at the index itself"
	"return beyond - from < index - from;"
	"return beyond - from < index - from + 8;"
	"wake one late"
	"__atomic_store_n(wake, (index - 8) | PVI_RING_WAKE_BEYOND"
	"__atomic_store_n(wake, index | PVI_RING_WAKE_BEYOND"
	"session 0"
	"session ? session : 1"
	"session"
	"READY follows anybody"
	"peer >> 2 == link->want && PVI_RING_STATE(peer) >= PVI_RING_READY"
	"PVI_RING_STATE(peer) >= PVI_RING_READY"
	"INIT follows RUN"
	"PVI_RING_STATE(peer) != PVI_RING_READY || PVI_RING_FOLLOWS(peer) != session"
	"PVI_RING_STATE(peer) < PVI_RING_READY || PVI_RING_FOLLOWS(peer) != session"
	"queues of the peer not limited"
	"if (!theirs || !use || use > link->theirs.queues)"
	"if (!theirs || !use)"
	"data may go beyond the section"
	"<= mapped - shape->data_offset;"
	"<= mapped;"
	"size of data any"
	"!(shape->data_size & (shape->data_size - 1)) && "
	""
)

# Several of the messages differ in wakes that only come to light by waiting long.
run()
{
	timeout -k 1 "$@" >"$dir/output" 2>&1
}

build()
{
	make -s -C "$here" OUTPUT="$dir" HEADERS="$dir/include" "${@/#/$dir/}" >"$dir/output" 2>&1
}

# Print what noticed the mistake.
notice()
{
	build litmus || { echo "the compiler"; return; }
	run 60 "$dir/litmus" || { echo "litmus"; return; }
	build hostile || { echo "the compiler"; return; }
	run 60 "$dir/hostile" list 0 0 || { echo "hostile list"; return; }
	run 120 "$dir/hostile" storm 300000 1 || { echo "hostile storm"; return; }
	build stress-asan
	run 150 "$dir/stress-asan" threads 100000 0 1 || { echo "stress"; return; }
	build fuzz-receiver fuzz-sender
	run 60 "$dir/fuzz-receiver" -runs=20000 -seed=1 -max_len=64 || { echo "fuzz-receiver"; return; }
	run 60 "$dir/fuzz-sender" -runs=20000 -seed=1 -max_len=64 || { echo "fuzz-sender"; return; }
	return 1
}

mkdir -p "$dir/include/linux"
failed=0
if [ $# -gt 0 ]; then
	all=("${mutants[@]}") mutants=()
	for name; do
		for ((i = 0; i < ${#all[@]}; i += 3)); do
			[ "${all[i]}" != "$name" ] || break
		done
		[ "$i" -lt ${#all[@]} ] || {
			echo "there is no mistake '$name'"
			exit 1
		}
		mutants+=("${all[@]:i:3}")
	done
fi
nr=$((${#mutants[@]} / 3))
echo "TAP version 13"
echo "1..$nr"
original=$(cat "$header")
for ((i = 0; i < nr; i++)); do
	name=${mutants[3 * i]} from=${mutants[3 * i + 1]} to=${mutants[3 * i + 2]}
	mutant=${original/"$from"/"$to"}
	printf '%s\n' "$mutant" >"$dir/include/linux/pvi_ring.h"
	if [ "$mutant" = "$original" ] || [ "${original#*"$from"*"$from"}" != "$original" ]; then
		echo "not ok $((i + 1)) - $name: its line is not in the header, or twice"
		failed=1
	elif by=$(notice); then
		echo "ok $((i + 1)) - $name: noticed by $by"
	else
		echo "not ok $((i + 1)) - $name: nothing noticed it"
		failed=1
	fi
done
exit "$failed"
