#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install.sh ROOT - check what "make tools_install DESTDIR=ROOT PREFIX=/usr" has put there: that it
# is all there, that a program can be built with the library, that library, header and manual
# name the same functions, that shells complete, that promtool reads the rules, and that what Python and
# Rust have of the headers is what the headers say. Prints TAP and "N passed, N failed".

. "$(dirname "$0")/common.sh"
. "$rig/points.sh"

root=$1
tests=(files functions calls manual program elsewhere missing_library completion completion_of_values policy exposure shown python rust)

files()
{
	local file

	for file in include/libpvi{,_guest}.h lib/libpvi.{a,so,so.0} lib/pkgconfig/libpvi.pc sbin/pvictl \
		lib/modules-load.d/kvm-pvi.conf lib/systemd/system/kvm-pvi-attach@.service \
		lib/udev/rules.d/60-kvm-pvi{,-guest}.rules share/bash-completion/completions/pvictl share/zsh/vendor-completions/_pvi{ctl,d,-exporter,-ivshmem-server} \
		share/fish/vendor_completions.d/{pvictl,pvid,pvi-exporter,pvi-ivshmem-server}.fish \
		share/man/man8/pvictl.8 share/man/man3/libpvi.3 share/man/man4/kvm_pvi.4 share/man/man7/kvm_pvi.7 \
		share/doc/kvm-pvi/{index,install,link,vsock,pvid,ring,setup,bugs}.rst share/doc/kvm-pvi/{pvi-echo.c,bench.txt} \
		sbin/pvi-ivshmem-server share/bash-completion/completions/pvi-ivshmem-server \
		share/man/man8/pvi-ivshmem-server.8 lib/systemd/system/kvm-pvi-ivshmem@.{socket,service} \
		sbin/pvid share/bash-completion/completions/pvid share/man/man8/pvid.8 share/man/man5/pvi.conf.5 \
		lib/systemd/system/kvm-pvid.service share/doc/kvm-pvi/example.conf \
		sbin/pvi-exporter share/bash-completion/completions/pvi-exporter share/man/man8/pvi-exporter.8 \
		lib/systemd/system/kvm-pvi-exporter.{socket,service} share/kvm-pvi/{alerts.yml,dashboard.json} \
		lib/python3/dist-packages/kvm_pvi/{__init__.py,_endpoint.py} \
		"share/cargo/registry/kvm-pvi-$(cat "$top/VERSION").0"/{Cargo.toml,src/lib.rs}; do
		[ -s "$root/usr/$file" ] || fail "no usr/$file"
	done
	! grep -r -E '@[A-Z]+@' "$root/usr/lib/systemd" "$root/usr/lib/pkgconfig"
}

# All that the library exports is versioned and in the header, and the other way round.
functions()
{
	nm -D --defined-only "$root/usr/lib/libpvi.so" |
		sed -n 's/^[0-9a-f]* T \([a-z_0-9]*\)@@LIBPVI_[0-9.]*$/\1/p' | sort >"$tmp/exported"
	sed -n 's/^[a-z].*[ *]\(pvi_[a-z_]*\)(.*/\1/p' "$root"/usr/include/libpvi*.h |
		sort >"$tmp/declared"
	nm -D --defined-only "$root/usr/lib/libpvi.so" | grep -c ' T ' >"$tmp/number"
	[ -s "$tmp/declared" ]
	diff "$tmp/declared" "$tmp/exported"
	[ "$(cat "$tmp/number")" -eq "$(wc -l <"$tmp/exported")" ] || fail "some have no version"
}

# The library has all ioctls and hypercalls of the headers, the manual the ioctls.
calls()
{
	sed -n -E 's/^#define (KVM_PVI_[A-Z_]*)\t*_IO\(.*/\1/p; s/^#define (KVM_HC_[A-Z_]*)\t+\(.*/\1/p' \
		"$top"/include/uapi/linux/kvm_pvi*.h | sort >"$tmp/calls"
	[ -s "$tmp/calls" ]
	grep -h -o -w -E 'KVM_(PVI|HC)_[A-Z_]+' "$top"/tools/libpvi/*.c | sort -u |
		comm -23 "$tmp/calls" - >"$tmp/missing"
	[ ! -s "$tmp/missing" ] || fail "not in libpvi: $(cat "$tmp/missing")"
	grep -o -w -E 'KVM_PVI_[A-Z_]+' "$root/usr/share/man/man4/kvm_pvi.4" | sort -u >"$tmp/manual"
	diff <(grep -v KVM_HC "$tmp/calls") "$tmp/manual"
}

manual()
{
	local function page warnings

	while read -r function; do
		page=$root/usr/share/man/man3/$function.3
		[ -e "$page" ] || fail "no manual page of $function"
		page=$root/usr/share/man/$(sed -n 's/^\.so //p' "$page" | grep . || echo "man3/$function.3")
		grep -q "^\.F[no] $function\>" "$page" || fail "$page does not have $function"
	done <"$tmp/declared"
	for page in "$root"/usr/share/man/man*/*; do
		warnings=$(cd "$root/usr/share/man" && groff -s -mandoc -Tutf8 -ww -z "$page" 2>&1)
		[ -z "$warnings" ] || fail "$page: $warnings"
	done
	grep -h -o -E '/usr/share/doc/kvm-pvi/[^ ]*[a-z]' "$root"/usr/share/man/man*/* | sort -u >"$tmp/named"
	[ -s "$tmp/named" ]
	while read -r page; do
		[ -s "$root$page" ] || fail "the manual names $page"
	done <"$tmp/named"
}

# What the documentation says a VMM has to do, and a VMM that does it.
sample()
{
	printf '#include <stdio.h>\n#include <unistd.h>\n'
	awk '/code-block:: c$/ { code = 1; next } code && /^[^ ]/ { exit } code' \
		"$top/Documentation/virt/kvm/pvi/vmm.rst"
	cat <<-'END'
	int main(void)
	{
		unsigned char uuid[16] = { 1 };

		puts(enrol(-1, uuid, uuid, 20) < 0 ? "refused" : "enrolled");
		return 0;
	}
	END
}

program()
{
	local flags

	export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
	read -ra flags <<<"$(pkg-config --cflags --libs libpvi)"
	sample >"$tmp/sample.c"
	gcc -Wall -Werror "-I$top/include/uapi" -o "$tmp/sample" "$tmp/sample.c" "${flags[@]}"
	readelf -d "$tmp/sample" | grep 'NEEDED.*libpvi\.so\.0\]' >/dev/null || fail "not linked with the library"
	LD_LIBRARY_PATH=$root/usr/lib "$tmp/sample" | grep -E 'refused|enrolled' >/dev/null
	gcc -Wall -Werror "-I$top/include/uapi" -static -o "$tmp/static" "$tmp/sample.c" "${flags[@]}"
	"$tmp/static" | grep -E 'refused|enrolled' >/dev/null
	gcc -Wall -Wextra -Werror "-I$top/include/uapi" -o "$tmp/echo" \
		"$top/Documentation/virt/kvm/pvi/pvi-echo.c" "${flags[@]}"
}

# Other places are honoured, in what is written into files too.
elsewhere()
{
	make -s -C "$top/tools" OUTPUT="$build/tools" DESTDIR="$tmp/root" PREFIX=/opt/pvi \
		LIBDIR=/opt/pvi/lib64 install
	# The policy's place is pvid's own choice.
	[ "$(echo "$tmp/root"/*)" = "$tmp/root/etc $tmp/root/opt" ]
	[ "$(find "$tmp/root/etc" -mindepth 1)" = "$tmp/root/etc/kvm-pvi" ]
	[ -s "$tmp/root/opt/pvi/lib64/libpvi.so.0" ]
	grep -q '^libdir=/opt/pvi/lib64$' "$tmp/root/opt/pvi/lib64/pkgconfig/libpvi.pc"
	[ "$(cat "$tmp/root/opt/pvi/lib/systemd/system/"*.service | grep -c '^ExecStart=/opt/pvi/sbin/')" -eq 4 ]
}

# The example that is installed is a policy.
policy()
{
	export LD_LIBRARY_PATH=$root/usr/lib

	"$root/usr/sbin/pvictl" check --config "$root/usr/share/doc/kvm-pvi"
	mkdir "$tmp/conf"
	sed 's/^gsi = 20/gsi = 2O/' "$root/usr/share/doc/kvm-pvi/example.conf" >"$tmp/conf/a.conf"
	! "$root/usr/sbin/pvictl" check --config "$tmp/conf" 2>"$tmp/log" || fail "it is none any more"
	grep -q "a\.conf:[0-9]*: 'gsi' is '2O'; write a number" "$tmp/log"
}

# What a binding says of the headers is what the compiler does. On stdin "constant NAME VALUE", "struct NAME SIZE",
# "member STRUCT NAME OFFSET SIZE", in any order.
as_in_headers()
{
	sort >"$tmp/binding"
	[ -s "$tmp/binding" ]
	{
		printf '#include <libpvi.h>\n#include <stdio.h>\nint main(void)\n{\n'
		awk '
			$1 == "constant" { printf "printf(\"constant %s %%llu\\n\", (unsigned long long)%s);\n", $2, $2 }
			$1 == "struct" { printf "printf(\"struct %s %%zu\\n\", sizeof(struct %s));\n", $2, $2 }
			$1 == "member" {
				printf "printf(\"member %s %s %%zu %%zu\\n\", offsetof(struct %s, %s), ", $2, $3, $2, $3
				printf "sizeof(((struct %s *)0)->%s));\n", $2, $3
			}' "$tmp/binding"
		printf 'return 0;\n}\n'
	} >"$tmp/headers.c"
	gcc -Wall -Werror "-I$top/include/uapi" "-I$root/usr/include" -o "$tmp/headers" "$tmp/headers.c"
	"$tmp/headers" | sort | diff - "$tmp/binding" || fail "< is what the headers have, > what the binding has"
}

# The numbers, structures and functions that the module for Python has
python()
{
	local PYTHONPATH=$root/usr/lib/python3/dist-packages

	export LD_LIBRARY_PATH=$root/usr/lib PYTHONPATH PYTHONDONTWRITEBYTECODE=1
	python3 - >"$tmp/layout" <<-'PYTHON'
		import ctypes
		from kvm_pvi import _abi
		for name, it in vars(_abi).items():
		    if isinstance(it, int):
		        print("constant", name, it)
		    if isinstance(it, type) and issubclass(it, ctypes.Structure) and hasattr(it, "_fields_"):
		        print("struct", name, ctypes.sizeof(it))
		        for field, *_ in it._fields_:
		            print("member", name, field, getattr(it, field).offset, getattr(it, field).size)
	PYTHON
	as_in_headers <"$tmp/layout"
	[ "$(grep -c ^constant "$tmp/binding")" -gt 60 ]
	python3 - "$root/usr/include/libpvi.h" <<-'PYTHON'
		import re, sys
		from kvm_pvi._lib import SIGNATURES
		letters = {"int": "i", "uid_t": "u", "uint32_t": "u", "unsigned int": "u", "uint64_t": "U", "int64_t": "I",
		           "size_t": "z", "void": "v"}
		def letter(text):
		    text = re.sub(r"\bconst\b", "", text)
		    return "p" if "*" in text or "[" in text else letters.get(re.sub(r"\s*\b\w+$", "", text.strip()), "?")
		header = {}
		for result, name, args in re.findall(r"^(int64_t|int|unsigned int|void) (pvi_\w+)\(([^;{]*)\);",
		                                     open(sys.argv[1]).read(), re.M):
		    args = "" if args == "void" or "(" in args else "".join(map(letter, args.split(",")))
		    header[name] = letters[result] + args
		for line in SIGNATURES.split("\n")[1:-1]:
		    name, *types = line.split()
		    assert header[name] == "".join(types), (name, header[name], types)
	PYTHON
}

# The numbers and structures that the crate for Rust has, and a crate that needs it, built by what Debian has,
# without the network: the lines that the documentation has for VMMs
rust()
{
	local registry=$root/usr/share/cargo/registry

	make -s -C "$top/bindings/rust" OUTPUT="$tmp/rust" RUSTC=/usr/bin/rustc "$tmp/rust/rust/layout"
	"$tmp/rust/rust/layout" >"$tmp/layout"
	as_in_headers <"$tmp/layout"
	[ "$(grep -c ^constant "$tmp/binding")" -gt 100 ]
	mkdir -p "$tmp/user/.cargo" "$tmp/user/src"
	cat >"$tmp/user/.cargo/config.toml" <<-END
		[source.crates-io]
		replace-with = "debian"
		[source.debian]
		directory = "$registry"
	END
	cat >"$tmp/user/Cargo.toml" <<-END
		[package]
		name = "user"
		version = "0.1.0"
		edition = "2021"
		[dependencies]
		kvm-pvi = "$(cat "$top/VERSION")"
	END
	awk '/code-block:: rust$/ { code = 1; next } code && /^[^ ]/ { exit } code' \
		"$top/Documentation/virt/kvm/pvi/vmm.rst" >"$tmp/user/src/main.rs"
	cat >>"$tmp/user/src/main.rs" <<-'RUST'
		fn main() {
		    let no_vm = std::os::unix::io::OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
		    println!("{}", enrol(std::os::unix::io::AsFd::as_fd(&no_vm), [1; 16], [2; 16], 0x10000).is_err())
		}
	RUST
	(cd "$tmp/user" && CARGO_HOME=$tmp/cargo RUSTC=/usr/bin/rustc RUSTFLAGS="-D warnings" \
		/usr/bin/cargo build -q --offline)
	[ "$("$tmp/user/target/debug/user")" = true ]
}

# What systemd says of the daemons' units: tenths of 0, safe, to 10
exposure()
{
	local unit

	for unit in pvid pvi-exporter; do
		systemd-analyze security --offline=true --threshold=25 \
			"$root/usr/lib/systemd/system/kvm-$unit.service" >"$tmp/log" || fail "$(tail -n 1 "$tmp/log")"
	done
}

# What the rules and the dashboard ask for is what there is.
shown()
{
	local promtool

	sed -n 's/^\t\(family\|print_[a-z]*\)(out, s, "\([a-z_]*\)".*/kvm_pvi_\2/p' "$top/tools/common/metrics.c" |
		sort >"$tmp/families"
	[ "$(wc -l <"$tmp/families")" -eq 12 ]
	python3 - "$root/usr/share/kvm-pvi/dashboard.json" "$tmp/families" <<-'PYTHON'
		import json, re, sys
		board = json.load(open(sys.argv[1]))
		ids = [panel["id"] for panel in board["panels"]]
		assert len(ids) == len(set(ids)) and all(panel["targets"] for panel in board["panels"])
		families = open(sys.argv[2]).read().split()
		for name in re.findall("kvm_pvi_[a-z_]+", json.dumps(board)):
		    assert name.removesuffix("_total") in families, name
	PYTHON
	grep -o 'kvm_pvi_[a-z_]*' "$root/usr/share/kvm-pvi/alerts.yml" | grep -v -x kvm_pvi_ | sed 's/_total$//' |
		sort -u | comm -23 - "$tmp/families" >"$tmp/unknown"
	[ ! -s "$tmp/unknown" ] || fail "there is no $(cat "$tmp/unknown")"
	promtool=$("$rig/from-deb.sh" prometheus usr/bin/promtool)
	"$promtool" check rules "$root/usr/share/kvm-pvi/alerts.yml"
	sed 's/sum by (instance/sum by (instance))/' "$root/usr/share/kvm-pvi/alerts.yml" >"$tmp/wrong.yml"
	! "$promtool" check rules "$tmp/wrong.yml" >"$tmp/log" 2>&1 || fail "promtool takes anything"
}

# One line that says what is missing and what to do.
missing_library()
{
	if make -s -C "$top/tools/pvictl" OUTPUT="$tmp/none" PKG_CONFIG=false >"$tmp/log" 2>&1; then
		fail "built without its libraries"
	fi
	[ "$(grep -c -v '^make' "$tmp/log")" -eq 1 ] || fail "$(cat "$tmp/log")"
	grep -q 'pvictl needs smartcols: install .*libsmartcols-dev' "$tmp/log"
}

complete_words()
{
	COMP_WORDS=(pvictl "$@")
	COMP_CWORD=$#
	_pvictl
	echo "${COMPREPLY[*]}"
}

completion()
{
	local PATH=$root/usr/sbin:$PATH

	export LD_LIBRARY_PATH=$root/usr/lib
	# shellcheck source=/dev/null
	. "$root/usr/share/bash-completion/completions/pvictl"
	[ "$(complete_words al)" = allow ]
	[ "$(complete_words attach --pid-)" = --pid-file ]
	[ "$(complete_words allow x y a)" = any ]
	[ "$(complete_words attach --pid $$)" = $$ ]
	# shellcheck source=/dev/null
	. "$root/usr/share/bash-completion/completions/pvi-ivshmem-server"
	COMP_WORDS=(pvi-ivshmem-server --max-pee) COMP_CWORD=1
	_pvi_ivshmem_server
	[ "${COMPREPLY[*]}" = --max-peers ]
}

# Two VMs and a link, as pvictl prints them, on any machine
some_vms()
{
	mkdir "$tmp/bin"
	cat >"$tmp/bin/pvictl" <<-END
		#!/bin/sh
		case \$* in
		"list --noheadings")
			echo "uuid-a web bound 1 qemu"
			echo "uuid-b db bound 2 qemu"
			echo 'uuid-c \$(touch) bound 3 qemu' ;;
		"list --json")
			printf '{\n   "endpoints": [\n      {\n         "uuid": "uuid-a",\n         "name": "web"\n      }\n   ],\n'
			printf '   "links": [\n      {\n         "link": "uuid-l",\n         "kind": "raw",\n'
			printf '         "a_name": "web",\n         "link_name": "wire"\n      }\n   ]\n}\n' ;;
		"show --json db")
			printf '{\n   "gsis": [\n      {\n         "gsi": 20,\n         "bell": null\n      },{\n         "gsi": 65536,\n'
			printf '         "bell": 3\n      }\n   ],\n   "senders": [\n      {\n         "gsi": "99"\n      }\n   ]\n}\n' ;;
		*)
			exec "$root/usr/sbin/pvictl" "\$@" ;;
		esac
	END
	chmod 755 "$tmp/bin/pvictl"
}

# What a shell offers behind these words, the last of which is begun
bash_words()
{
	complete_words "${@:2}" | tr ' ' '\n'
}

# The completion is a function of these variables. Outside of its line editor zsh has none of what it calls: they say
# what they would offer.
zsh_words()
{
	zsh -f -c '
		compadd() { [[ $1 == -a ]] && print -l -- ${(P)2} || print -l -- ${@:#--} }
		_describe() { print -l -- ${${(P)2}%%:*} }
		_files() { print files }
		_users() { print users }
		_pids() { print pids }
		_gnu_generic() { $words[1] --help | grep -o -E -e "--[a-z-]+" }
		fpath=($1)
		shift
		words=("$@") CURRENT=$# PREFIX=${@[-1]}
		autoload -U +X _$1
		_$1
		' zsh "$root/usr/share/zsh/vendor-completions" "$@"
}

fish_words()
{
	HOME=$tmp fish --no-config -c "source '$root/usr/share/fish/vendor_completions.d/$1.fish'; complete -C '$*'" |
		cut -f 1
}

# offers WORDS WORD... - each shell offers these words, in any order, and no others
offers()
{
	local shell

	for shell in bash zsh fish; do
		"${shell}_words" "${@:2}" | grep -e "^${*: -1}" | sort -u | paste -s -d ' ' >"$tmp/offered"
		[ "$(cat "$tmp/offered")" = "$1" ] || fail "$shell, '${*:2}': $(cat "$tmp/offered"), not $1"
	done
}

completion_of_values()
{
	local PATH=$tmp/bin:$root/usr/sbin:$PATH shell

	export LD_LIBRARY_PATH=$root/usr/lib
	"$rig/setup.sh" fish zsh
	# shellcheck source=/dev/null
	. "$root/usr/share/bash-completion/completions/pvictl"
	some_vms
	offers "unexpose unlink unreserve" pvictl un
	offers "db uuid-a uuid-b uuid-c web" pvictl show ""
	offers "--pid --pid-file" pvictl attach --p
	offers "db to uuid-a uuid-b uuid-c web" pvictl allow web ""
	offers "bell burst flags gsi owner rate" pvictl allow web to db ""
	offers "all bell gsi" pvictl revoke web to db ""
	offers "20 65536 any" pvictl allow web to db gsi ""
	offers "65536" pvictl revoke web to db gsi 6
	offers "3" pvictl allow web to db bell ""
	offers "20 65536 any" pvictl revoke db web ""
	offers "20 65536" pvictl ring db ""
	offers "20 65536" pvictl port web db ""
	offers "net raw vsock" pvictl link --kind ""
	offers "denied rings throttled" pvictl top --sort ""
	offers "uuid-l wire" pvictl pipe ""
	offers "wire" pvictl unlink wi
	for shell in zsh fish; do
		[ "$("${shell}_words" pvid --r | grep -x -e --run | sort -u)" = --run ] || fail "$shell, pvid"
		[ "$("${shell}_words" pvi-exporter --r | grep -x -e --run | sort -u)" = --run ] || fail "$shell, pvi-exporter"
		[ "$("${shell}_words" pvi-ivshmem-server --max-pee | grep -x -e --max-peers | sort -u)" = --max-peers ] ||
			fail "$shell, pvi-ivshmem-server"
	done
	[ ! -e touch ] || fail "a name was run"
}

run_points "${tests[@]}"
