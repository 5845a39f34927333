#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# style.sh [--quick] - check how the sources are written: shellcheck on the scripts, kernel-doc on
# the headers, the compilers of C and C++ on each of the UAPI alone and on the README's lines, whether
# what security.rst, bugs.rst, the lists of mutants and selftests/syzkaller name is there, whether debian/copyright says what
# the files say, the layers of kernel/host, which are printed, what boot.sh takes for its emulator's fault, and, unless
# --quick, checkpatch of linux-source-6.12 on the C sources. Warnings of the compiler and of sparse are errors in build.sh
# already. Prints TAP and "N passed, N failed".

. "$(dirname "$0")/common.sh"
. "$rig/checks.sh"
. "$rig/machine.sh"

output=$build/style.log
header=include/uapi/linux/kvm_pvi.h
cd "$top"

scripts()
{
	grep -r -l -E '^#!/bin/(ba)?sh|^# shellcheck shell=' --exclude-dir=.git --exclude-dir=build .
}

# But one that is a model of the kernel's own headers
c_sources()
{
	find kernel include selftests tools -name '*.[chS]' ! -name '*.mod.c' ! -path selftests/userspace/shim.h 2>/dev/null
}

# The layout, which includes the header, names all that the header defines.
layout_is_complete()
{
	local header=$1 layout=$2

	diff <(sed -n 's/^struct \(.*\) {$/\1/p' "$header") \
		<(sed -n 's/^\tEND(\(.*\), [0-9]*),$/\1/p' "$layout") &&
	diff <(sed -n 's/^#define \(KVM_PVI_[A-Z_]*\)\t*_IO(.*, \(0x.*\))$/\1, \2/p' "$header" | sort) \
		<(sed -n 's/^\tIOCTL(\(.*\)),$/\1/p' "$layout" | sort)
}

layouts_are_complete()
{
	layout_is_complete "$header" selftests/uapi_layout.h &&
	layout_is_complete include/uapi/linux/kvm_pvi_guest.h selftests/uapi_guest_layout.h
}

# The tables for seccomp filters have each ioctl's number, decimal and hexadecimal, and no other.
numbers_are_documented()
{
	local name nr

	while read -r name nr; do
		printf '%s %d 0x%x\n' "$name" $((0xd700 + nr)) $((0xd700 + nr))
	done < <(sed -n 's/^#define \(KVM_PVI_[A-Z_]*\)\t*_IO(KVM_PVI_IOC, \(0x..\))$/\1 \2/p' "$header") |
		sort | diff - <(sed -n -E 's/^  (KVM_PVI_[A-Z_]+) +([0-9]+) +(0x[0-9a-f]+)( .*)?$/\1 \2 \3/p' \
			Documentation/virt/kvm/pvi/api.rst | sort)
}

# Names that begin with an underscore are the compiler's and libc's in programs.
names_are_ours()
{
	! grep -r -n -E '^#[[:space:]]*define[[:space:]]+_' tools include/uapi
}

# What stands in brackets on a page, [TEST CASE...], is a test of selftests/, selftests/guest/ or the rig, and cases
# of it. Both names may be those of a table or of a macro. A C test's name alone shows nothing: any case of it would do.
claims_have_tests()
{
	local page=Documentation/virt/kvm/pvi/$1 test cases case file bad=''

	tr -s '\n ' ' ' <"$page" | grep -o -E '\[(fuzz_[a-z]+|[a-z_0-9-]+(_test|\.sh))[A-Za-z_0-9 ]*\]' | tr -d '[]' >"$build/claims"
	[ -s "$build/claims" ]
	while read -r test cases; do
		file=$(compgen -G "selftests/$test.[cs]*" || compgen -G "selftests/guest/$test.c" ||
			compgen -G "selftests/userspace/$test.c" || compgen -G "selftests/libvirt/$test.sh" ||
			compgen -G "selftests/rig/$test") || {
			bad="there is no test $test"
			break
		}
		[ -n "$cases" ] || [[ $file != *.c ]] || bad="$test stands there without a case"
		for case in $cases; do
			grep -q -E "\{ \"$case\"|^(static void )?$case\((void)?\)|^	check .* $case\$|^	[A-Z]+(_CASE)?\(${case#lost_without_}\)" "$file" ||
				bad="$test has no case $case"
		done
	done <"$build/claims"
	[ -z "$bad" ] || {
		echo "$bad"
		false
	}
}

# Each row of bugs.rst names what holds it, and of a test its cases, or says that nothing does.
bugs_have_tests()
{
	claims_have_tests bugs.rst &&
	awk '
		function flush() {
			if (row && row !~ /\[(fuzz_[a-z]+|[a-z_0-9-]+(_test|\.sh)) [A-Za-z_0-9 ]+\]|No test/) {
				print "bugs.rst:" at ": neither a case nor \"No test\""
				bad = 1
			}
			row = ""
		}
		/^  [A-Z][0-9.]+ +(20[0-9-]+|documented|open) / { flush(); rows++; at = NR; row = $0; next }
		row && /^          / { row = row " " $0; next }
		{ flush() }
		/^  [A-Z][0-9]/ { print "bugs.rst:" NR ": no row of these tables"; bad = 1 }
		END { exit bad || rows < 100 }
	' Documentation/virt/kvm/pvi/bugs.rst
}

# The lines of the README that a VMM's author copies are C.
readme_compiles()
{
	{
		printf '#include <fcntl.h>\n#include <linux/kvm_pvi.h>\n#include <string.h>\n#include <sys/ioctl.h>\n'
		printf 'int f(int vm_fd, unsigned char *my_uuid, unsigned char *sender_uuid)\n{\n'
		awk '/^```c$/ { code = 1; next } /^```$/ && code { exit } code' README.md
		printf 'return pvi;\n}\n'
	} >"$build/readme.c"
	grep -q KVM_PVI_BIND "$build/readme.c" &&
	gcc -fsyntax-only -Wall -Werror -Iinclude/uapi "$build/readme.c"
}

copyright_is_that_of_files()
{
	find Documentation bindings include kernel selftests tools -type f ! -name '*.mod.c' \
		-exec "$rig/copyright.py" {} +
}

# make mutants and make mutants-guests stop at the first mistake whose place has gone, or whose test.
mutants_apply()
{
	python3 "$rig/mutants.py" selftests/mutants check kernel/host selftests &&
	python3 "$rig/mutants.py" selftests/mutants-guests check kernel selftests &&
	python3 "$rig/mutants.py" selftests/userspace/mutants check kernel/host selftests/userspace &&
	python3 "$rig/mutants.py" selftests/survivors reasons kernel/host
}

# locking.rst, section 1: the locks of all endpoints at once.
mutexes_are_few()
{
	[ "$(sed -n 's/^static DEFINE_MUTEX(\(.*\));.*/\1/p' kernel/host/*.c | sort | tr '\n' ' ')" = "attach_lock " ]
}

# at_most LINES FILE
at_most()
{
	local lines

	lines=$(wc -l <"$2")
	[ "$lines" -le "$1" ] || {
		echo "$2 has $lines lines, and may have $1"
		false
	}
}

# Two that TCG has made, and those of an oops and of a program
impossible_is_known()
{
	local flags

	for flags in 041ce092 09845666; do
		machine_is_impossible <(echo "[    5.1] RSP: 0000:ffffffff82c03d58 EFLAGS: $flags") || {
			echo "$flags is possible?"
			return 1
		}
	done
	for flags in 00010246 00000286 00250a02 "00010246 ORIG_RAX"; do
		! machine_is_impossible <(echo "[    5.1] RSP: 0018:ffffc9000006bba0 EFLAGS: $flags") || {
			echo "$flags is impossible?"
			return 1
		}
	done
	! machine_is_impossible /dev/null
}

# Whoever writes a ring of their own reads the page to its end, and whoever uses the header reads that.
ring_is_short()
{
	at_most 450 include/uapi/linux/pvi_ring.h &&
	at_most 400 Documentation/virt/kvm/pvi/ring.rst &&
	at_most 60 Documentation/virt/kvm/pvi/pvi-echo.c
}

# Nothing is linked: the libraries of the other targets may be missing, their headers are the same.
compile_header()
{
	local file language target

	for file in include/uapi/linux/*.h selftests/uapi_*layout.h; do
		for language in "gcc -std=gnu90 -x c" "g++ -std=c++11 -x c++"; do
			for target in -m64 -m32; do
				echo "$language $target $file"
				echo "#include \"$top/$file\"" | $language $target -fsyntax-only -Wall -Wextra \
					-Werror -Iinclude/uapi -idirafter "/usr/include/$(gcc -print-multiarch)" - ||
					return
			done
		done
	done
}

# The headers' packages leave checkpatch out; take it from the source package.
fetch_checkpatch()
{
	local dir=$cache/checkpatch tar=/usr/src/linux-source-6.12.tar.xz tmp

	"$rig/setup.sh" linux-source-6.12 perl
	if [ ! -e "$dir/checkpatch.pl" ] || [ "$tar" -nt "$dir" ]; then
		say "unpacking checkpatch"
		tmp=$(mktemp -d "$cache/tmp.XXXXXX")
		tar -xf "$tar" -C "$tmp" --strip-components=2 linux-source-6.12/scripts/checkpatch.pl \
			linux-source-6.12/scripts/{spelling.txt,const_structs.checkpatch}
		rm -rf "$dir"
		mv -T "$tmp" "$dir"
	fi
	checkpatch=$dir/checkpatch.pl
}

"$rig/setup.sh" perl
kernel_doc=$(find /usr/lib/linux-kbuild-*/scripts -name kernel-doc | sort -V | tail -n 1)
mapfile -t scripts < <(scripts)
mapfile -t sources < <(c_sources)

echo "TAP version 13"
layers_of_all()
{
	local module

	for module in host guest link net vsock; do
		echo "kernel/$module"
		"$rig/layers.sh" "kernel/$module" || return
	done
}

check "shellcheck" shellcheck "${scripts[@]}"
check "kernel-doc" perl "$kernel_doc" -none -Werror include/uapi/linux/*.h include/linux/*.h \
	kernel/*/*.[ch] kernel/*.h tools/libpvi/libpvi*.h
check "headers compile alone" compile_header
check "the ring's header, page and example are short" ring_is_short
check "headers are in uapi_layout.h and uapi_guest_layout.h" layouts_are_complete
check "syzkaller's description has the ioctls and their structs" \
	"$rig/syzlang.py" "$header" selftests/syzkaller/dev_kvm_pvi.txt
check "no reserved names are defined" names_are_ours
check "api.rst has the request numbers" numbers_are_documented
check "security.rst names tests" claims_have_tests security.rst
check "bugs.rst names tests" bugs_have_tests
check "testing.rst has figures that make figures wrote" "$rig/figures.py" check Documentation/virt/kvm/pvi/testing.rst
check "the README's C compiles" readme_compiles
check "debian/copyright has the licenses of all files" copyright_is_that_of_files
check "the mutants can be made, and have tests" mutants_apply
check "the sources of each module stand in layers" layers_of_all
check "whoever has no quota holds up nobody else" mutexes_are_few
check "barriers say what they pair with" "$rig/barriers.py" kernel/*/*.[ch] include/uapi/linux/*.h
check "boot.sh knows flags that no processor has" impossible_is_known
sed 's/^/# /' "$build/style.log"
if [ "${1:-}" != --quick ]; then
	fetch_checkpatch
	check "checkpatch" perl "$checkpatch" --no-tree --no-summary --terse --file \
		--ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON "${sources[@]}"
fi
checks_end
