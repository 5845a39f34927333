#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-all.sh - run every suite there is, on every kernel that is supported, one after the other,
# and end with a table of kernels and suites. Says before it starts how long it will take, by what
# each took when it last ran. A suite that has passed is not run again until a source changes: call it
# again after an interruption, and it goes on where it was. Results are in $BUILD/check-all. With SUITES set only
# those are run and stand in the table, by suite and kernels: SUITES="smoke-6.12-cloud oracle-6.12".

. "$(dirname "$0")/common.sh"

# suite, kernels, minutes at first (later what it took), variables of what script_of() says
suites="
check	default	35
long	6.12	150	KERNELS=6.12 PVI_LONG=1 DEADLINE=7200 TEST_DEADLINE=3600
long	6.1	150	KERNELS=6.1 PVI_LONG=1 DEADLINE=7200 TEST_DEADLINE=3600
debug	6.12-debug	240	KERNELS=debug MEMORY=3072 PVI_SLOW=8 PVI_OPS=100000 DEADLINE=7200 TEST_DEADLINE=1800
kcsan	6.12-debug	60	KERNELS=debug-kcsan TESTS=midway_test,sleep_race_test,bind_race_test,state_race_test,taken_test,flight_test,revoke_test,life_test,close_test,source_life_test,status_life_test,storm_test,order_test,grant_test,event_test,listing_test,unload_test PVI_SLOW=8 DEADLINE=7200 TEST_DEADLINE=1800
all	intel,intel-smp	90	KERNELS=intel,intel-smp DEADLINE=7200
all	7.3	40	KERNELS=7.3
all	6.12-rt	45	KERNELS=6.12-rt
all	6.1-rt	45	KERNELS=6.1-rt
debug	6.12-debug-rt	200	KERNELS=debug-rt MEMORY=3072 PVI_SLOW=8 DEADLINE=7200 TEST_DEADLINE=1800
loaded	default	120	RUNS=3
limits	6.12	15
oracle	6.12	40
races	6.12	40
fuzz	6.12	90
faults	6.12-debug	40
mutants	6.12	50
mutants-guests	6.12	120
generated	6.12	240	GENERATED=300
coverage	6.12	15
coverage-guests	6.12	60
ring-long	none	15
held	6.12-rt	15
demo	6.12	5
packages	6.12,6.1	20
packages	6.12-trixie,7.3	30
libvirt	6.12	12	KERNELS=6.12
libvirt	6.1	12	KERNELS=6.1
libvirt	6.12-trixie	20	KERNELS=6.12-trixie
smoke	6.12-trixie	10	KERNELS=6.12-trixie:smoke
smoke	6.12-cloud	6	KERNELS=6.12-cloud TESTS=bind_test,ring_test,gsi_test,msi_test,port_test,bell_test,status_test,source_test,state_test,query_test,peers_test,unload_test
smoke	6.1-cloud	6	KERNELS=6.1-cloud TESTS=bind_test,ring_test,gsi_test,msi_test,port_test,bell_test,status_test,source_test,state_test,query_test,peers_test,unload_test
guests	debug	90	KERNELS=6.12 TESTS=e2e_link_test,e2e_net_test GUESTS=debug,debug MEMORY=3072 PVI_SLOW=8 DEADLINE=7200 TEST_DEADLINE=3600
guests	debug-rt	90	KERNELS=6.12 TESTS=e2e_test GUESTS=6.1,debug-rt MEMORY=3072 PVI_SLOW=8 DEADLINE=7200 TEST_DEADLINE=3600
guests	6.12,7.3	45	KERNELS=6.12 TESTS=e2e_vsock_test GUESTS=6.12,7.3 PVI_LONG=1 DEADLINE=7200 TEST_DEADLINE=3600
guests	6.1,7.3	15	KERNELS=6.12 TESTS=e2e_test,e2e_net_test GUESTS=6.1,7.3
guests	6.12-cloud,6.12-trixie	10	KERNELS=6.12 TESTS=e2e_test GUESTS=6.12-cloud,6.12-trixie
guests	6.1-cloud,6.12-rt	10	KERNELS=6.12 TESTS=e2e_test GUESTS=6.1-cloud,6.12-rt
"
out=$build/check-all
mkdir -p "$out"

# fingerprint [FIND...] - what verdicts depend on: the sources as they are now, but for those that find is told. What is
# made of them among them, as .gitignore has it, is none.
fingerprint()
{
	(cd "$top" && find . \( -name .git -o -name __pycache__ -o -path ./bindings/rust/target -o -path ./build \
		-o -path "./${build#"$top/"}" "$@" \) -prune -o -type f ! -name '*.[os]' ! -name '*.ko' ! -name '*.mod*' \
		! -name '.*.cmd' ! -name '*-asm-offsets.h' ! -name modules.order ! -name Module.symvers ! -name Cargo.lock \
		-print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -d ' ' -f 1
}

# But for the pages, and the table of one, which suites and make figures write: else each such suite would have others run
# again.
fingerprint_all()
{
	local figures=Documentation/virt/kvm/pvi/testing.rst

	{
		fingerprint -o -path './Documentation/coverage*.txt' -o -path ./Documentation/ring-long.txt \
			-o -path ./Documentation/limits.txt -o -path "./$figures"
		sed '/^\.\. What follows is written by make figures/,/^\.\. That was written/d' "$top/$figures"
	} | sha256sum | cut -d ' ' -f 1
}

# The lines of all suites, or of those of $SUITES
list()
{
	awk -F '\t' -v wanted=" ${SUITES:-} " 'NF && (wanted == "  " || index(wanted, " " $1 "-" $2 " "))' <<<"$suites"
}

# The last line that check.sh printed, of a suite on kernels
result()
{
	tail -n 1 "$out/$1-$2.output" 2>/dev/null
}

# What the verdict of a suite depends on. Words are looked at by check, and are in the packages.
sources_of()
{
	case $1 in
	check | packages | libvirt) echo "$all" ;;
	*)	echo "$sources" ;;
	esac
}

# It has passed, with these sources.
is_done()
{
	[ "$(cat "$out/$1-$2.passed" 2>/dev/null)" = "$(sources_of "$1")" ]
}

# The command of a suite on kernels
script_of()
{
	case $1 in
	libvirt) echo libvirt-check.sh ;;
	loaded)	echo "loaded.sh $rig/check.sh" ;;
	demo)	echo "verdict.sh $rig/demo.sh" ;;
	generated) echo mutants.sh ;;
	held)	echo "verdict.sh $rig/profile.sh --held $2" ;;
	limits | mutants | mutants-guests | coverage | coverage-guests) echo "$1.sh" ;;
	oracle | races | faults | fuzz) echo "suite.sh $1" ;;
	packages) echo "deb-check.sh ${2//,/ }" ;;
	ring-long) echo "verdict.sh $rig/ring.sh --long" ;;
	*)	echo check.sh ;;
	esac
}

# Minutes that a suite took when it last ended, else a guess
minutes()
{
	cat "$out/$1-$2.minutes" 2>/dev/null || echo "$3"
}

announce()
{
	local sum=0 left=0 suite kernels guess

	while read -r suite kernels guess _; do
		is_done "$suite" "$kernels" && continue
		sum=$((sum + $(minutes "$suite" "$kernels" "$guess")))
		left=$((left + 1))
	done < <(list)
	say "$left of $(list | wc -l) suites are to be run, which takes about $sum minutes"
}

# run_suite SUITE KERNELS MINUTES [NAME=VALUE...] - a failure is told in the table
run_suite()
{
	local name=$1-$2 script start status=0 variables=("${@:4}") tree

	tree=$(tree_of)

	read -ra script < <(script_of "$1" "$2")
	start=$(date +%s)
	say "$1 on $2, about $(minutes "$1" "$2" "$3") minutes; output: $out/$name.output"
	rm -f "$out/$name.passed"
	env "${variables[@]//,/ }" "$rig/${script[0]}" "${script[@]:1}" >"$out/$name.output" 2>"$out/$name.progress" || status=$?
	[ "$status" -ne 130 ] && [ "$status" -ne 143 ] || exit "$status"
	echo $((($(date +%s) - start + 59) / 60)) >"$out/$name.minutes"
	if [ "$status" -eq 0 ]; then
		sources_of "$1" >"$out/$name.passed"
	else
		awk '/^not ok/ && n++ < 10' "$out/$name.output" >&2
	fi
	# The others remember what they did by themselves.
	[[ ! ${script[0]} =~ ^(check|loaded|deb-check|libvirt-check|verdict)\.sh$ || $1 == ring-long ]] || result "$1" "$2" |
		sed -n -E "s/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p" | awk -v OFS='\t' -v part="$1, ${2//,/ }" '
		{ print part, $1, $1 + $2, "" }' | remember "check-all.$name" "$tree"
	say "$1 on $2: $(result "$1" "$2")"
}

# One line for each, and succeed if all have passed.
table()
{
	local suite kernels status=0

	printf '%-15s %-24s %-8s %s\n' suite kernels minutes result
	while read -r suite kernels _; do
		printf '%-15s %-24s %-8s %s%s\n' "$suite" "$kernels" "$(minutes "$suite" "$kernels" -)" \
			"$(is_done "$suite" "$kernels" || echo "FAILED: ")" "$(result "$suite" "$kernels")"
		is_done "$suite" "$kernels" || status=1
	done < <(list)
	return "$status"
}

unset KERNELS TESTS GUESTS GENERATED
names=$(awk -F '\t' 'NF { print $1 "-" $2 }' <<<"$suites")
for name in ${SUITES:-}; do
	grep -q -x -F "$name" <<<"$names" || die "there is no suite $name; there are ${names//$'\n'/ }"
done
trap 'exit 130' INT TERM
lock "$out/lock"
all=$(fingerprint_all)
sources=$(fingerprint -o -path ./Documentation -o -name '*.md')
announce
while read -ra line <&3; do
	is_done "${line[@]:0:2}" || run_suite "${line[@]}"
done 3< <(list)
table
