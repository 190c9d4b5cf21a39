# SPDX-License-Identifier: GPL-2.0
#
#	make			programs and their tests, into build/
#	make modules		the kernel modules, for KERNEL=debian (default),
#				debian13, uml, uml-accel or uml-debug, into
#				build/modules-$(KERNEL)/
#	make check		what ./quickstart check does
#	make coverage		which lines of each file the tests run
#	make regen		the netlink code from its specs
#	make install		programs, headers, man pages (DESTDIR, PREFIX)
#	make modules_install	modules of KERNEL=debian for the running kernel
#	make bench		what ./quickstart bench runs
#	make fuzz		the fuzz targets, by clang, into build/fuzz/
#	make clean
#
# Nothing is listed here: a new file in a folder that is known is built.
#	user/lib/*.c, the pure files	build/libssn.a
#	user/X/*.c, tools/X/*.c		build/bin/X, if X/main.c is there; all
#					but main.c in build/libX.a, for tests
#	selftests/unit/*.c		build/selftests/unit/*, each a program
#	selftests/unit/X/*.c		the same, with libX.a
#	selftests/kernel/*.c		build/selftests/kernel/*, with the kernel's
#					kselftest, which build/kselftest is
#	selftests/fuzz/[X/]*.c		build/fuzz/selftests/fuzz/[X/]*, likewise
#	selftests/bench/[guest/]*.c	build/selftests/bench/[guest/]*, with bench.c
# O=DIR builds somewhere else than build/.

O	:= build
KERNEL	:= debian
PREFIX	:= /usr/local
CC	:= gcc
CFLAGS	:= -O2 -g
V	:=
Q	:= $(if $(V),,@)
silent	:= $(findstring s,$(firstword -$(MAKEFLAGS)))
say	= $(if $(V)$(silent),@:,@printf '  %-7s %s\n' '$1' '$2')

# What was compiled once, in whatever checkout, is not compiled again; but for coverage,
# whose objects name the place where they count.
ccache	:= $(if $(filter --coverage,$(CFLAGS)),,$(if $(shell command -v ccache),ccache))
export CCACHE_DIR := $(or $(SSN_CACHE),$(HOME)/.cache/ssn)/ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

cflags	:= -std=gnu11 $(CFLAGS) -Wall -Wextra -Wno-unused-parameter \
	   -Werror=implicit -fstack-protector-strong -D_GNU_SOURCE \
	   $(if $(filter -O0 -fsanitize%,$(CFLAGS)),,-D_FORTIFY_SOURCE=2) \
	   -Iuser/lib -Iinclude/pure -isystem $(O)/uapi \
	   -idirafter kernel/ssn_crypt
ldlibs	:= -Wl,--as-needed -levent -levent_openssl -levent_pthreads -lssl \
	   -lcrypto -lmnl -lcurl -ljansson -lsqlite3 -lkeyutils -lsystemd \
	   -lpthread

pure	:= $(filter-out %/ssn_%,$(wildcard $(patsubst %,kernel/ssn_crypt/%*.c,gf256 shamir kurihara scheme amd pad)))
mains	:= $(wildcard user/*/main.c tools/*/main.c)
uapi	:= $(patsubst include/uapi/%,$(O)/uapi/%,$(wildcard include/uapi/linux/*.h))

objs	= $(patsubst %.c,$(O)/obj/%.o,$1)
libssn	:= $(call objs,$(wildcard user/lib/*.c) $(pure))
bins	:=
tests	:=

.PHONY: all bins tests bench fuzz fuzzers modules check coverage regen install modules_install \
	clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all:

# what a change of flags must build again
$(O)/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(cflags)' | cmp -s - $@ || \
		echo '$(CC) $(cflags)' > $@

# the system's <linux/...> stay visible: only our own headers are in there
$(O)/uapi/linux/%.h: include/uapi/linux/%.h
	$(Q)mkdir -p $(@D) && ln -sfn $(abspath $<) $@

$(O)/obj/%.o: %.c $(O)/flags | $(uapi)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(ccache) $(CC) $(cflags) -MMD -MP -c -o $@ $<

$(O)/libssn.a: $(libssn)
$(O)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcsD $@ $^

# $1: folder of a program
define program
$(O)/lib$(notdir $1).a: $(call objs,$(filter-out %/main.c,$(wildcard $1/*.c)))
# objects, not the archive: tables that files register in by themselves stay whole
$(O)/bin/$(notdir $1): $(call objs,$1/main.c $(filter-out %/main.c,$(wildcard $1/*.c))) $(O)/libssn.a
bins += $(O)/bin/$(notdir $1)
endef
dirs	:= $(patsubst %/main.c,%,$(mains))
$(foreach d,$(dirs),$(eval $(call program,$d)))

# $1: file, $2: library of the program whose parts it tests, or nothing
define test
$(O)/$(1:.c=): $(O)/obj/$(1:.c=.o) $2 $(O)/libssn.a
tests += $(O)/$(1:.c=)
endef
# those for guests use the kernel's kselftest, out of the package of its source
source	:= $(wildcard /usr/src/linux-source-6.12.tar.xz)
guest	:= $(if $(source),$(wildcard selftests/kernel/*.c))
$(foreach f,$(wildcard selftests/unit/*.c) $(guest),$(eval $(call test,$f,)))
$(foreach d,$(dirs),$(foreach f,$(wildcard selftests/unit/$(notdir $d)/*.c),\
	$(eval $(call test,$f,$(O)/lib$(notdir $d).a))\
	$(eval $(O)/obj/$(f:.c=.o): cflags := -I$d $(cflags) -Iselftests/unit)))

$(O)/obj/selftests/%.o: cflags += -Iselftests/unit

$(O)/kselftest: selftests/lib/kselftest $(source)
	$(call say,GET,$@)
	$(Q)mkdir -p $(@D) && dir=$$(selftests/lib/kselftest) && \
		ln -sfn "$$dir" $@ && touch $@
$(call objs,$(guest)): | $(O)/kselftest
$(O)/obj/selftests/kernel/%.o: cflags += -isystem $(O)/kselftest

$(bins) $(tests):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(ldlibs)

tests: $(tests)
	$(if $(source),,$(call say,SKIP,selftests/kernel: no package linux-source-6.12))
bins: $(bins)
all: bins tests

# those for guests use what the tests there do
inside	:= $(if $(source),$(wildcard selftests/bench/guest/*.c))
$(call objs,$(inside)): | $(O)/kselftest
$(O)/obj/selftests/bench/guest/%.o: cflags += -isystem $(O)/kselftest -Iselftests/bench \
	-Iselftests/kernel
benches	:= $(patsubst %.c,$(O)/%,$(filter-out %/bench.c,$(wildcard selftests/bench/*.c)) $(inside))
$(benches): $(O)/%: $(O)/obj/%.o $(O)/obj/selftests/bench/bench.o $(O)/libssn.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) $(LDFLAGS) -o $@ $^ $(ldlibs)

bench: $(benches)

# ---- Fuzz targets: everything that they link is built once more, for them

sanitize := address,undefined
fuzzers	:=

fuzz:
	$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz CC=clang fuzzers CFLAGS="-O1 -g \
		-fno-omit-frame-pointer -fno-sanitize-recover=undefined \
		-fsanitize=fuzzer-no-link,$(sanitize)"

# The receiving side of AF_SSN, as it is: where it asks for a header of the
# kernel it gets selftests/fuzz/ssn_crypt/kernel.h.
wire	:= $(addprefix kernel/ssn_crypt/,conn_recv.c handshake.c lane.c record.c)
stands	:= $(addprefix $(O)/stands/,$(addsuffix .h,crypto/algapi crypto/poly1305 \
	$(addprefix linux/,atomic build_bug err list mutex netlink random refcount \
	seqlock slab spinlock string uidgid uio uuid wait workqueue xarray) \
	net/net_namespace))
wireobj	:= $(patsubst %.c,$(O)/wire/%.o,$(wire))
wireflags = -I$(O)/stands -Iselftests/fuzz/ssn_crypt $1 -Iinclude -Wno-sign-compare

$(stands):
	$(Q)mkdir -p $(@D) && echo '#include "kernel.h"' > $@

$(O)/wire/%.o: %.c $(O)/flags | $(uapi) $(stands)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(ccache) $(CC) $(call wireflags,$(cflags)) -MMD -MP -c -o $@ $<

$(O)/libssn_crypt.a: $(wireobj)
$(O)/obj/selftests/fuzz/ssn_crypt/%.o: cflags := $(call wireflags,$(cflags)) \
	-Iselftests/fuzz
$(patsubst %.c,$(O)/obj/%.o,$(wildcard selftests/fuzz/ssn_crypt/*.c)): | $(stands)

# $1: file, $2: library of the program that it feeds, or nothing
define fuzzer
$(O)/$(1:.c=): $(O)/obj/$(1:.c=.o) $2 $(O)/libssn.a
fuzzers += $(O)/$(1:.c=)
endef
$(foreach f,$(wildcard selftests/fuzz/*.c),$(eval $(call fuzzer,$f,)))
$(foreach f,$(wildcard selftests/fuzz/ssn_crypt/*.c),\
	$(eval $(call fuzzer,$f,$(O)/libssn_crypt.a)))
$(foreach d,$(dirs),$(foreach f,$(wildcard selftests/fuzz/$(notdir $d)/*.c),\
	$(eval $(call fuzzer,$f,$(O)/lib$(notdir $d).a))\
	$(eval $(O)/obj/$(f:.c=.o): cflags := -I$d $(cflags) -Iselftests/fuzz)))

# " * wraps: F" in the comment at its top: calls of F from other files go to the
# target's __wrap_F(), and the real one is __real_F()
$(fuzzers):
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cflags) -fsanitize=fuzzer,$(sanitize) $(LDFLAGS) \
		$$(sed -n '1,30s/^ \* wraps: *//p' $(patsubst $(O)/%,%.c,$@) | \
		   sed 's/[^ ]*/-Wl,--wrap=&/g') -o $@ $^ $(ldlibs)

fuzzers: $(fuzzers)

-include $(shell find $(O)/obj $(O)/wire -name '*.d' 2>/dev/null)

modules:
	$(Q)tools/vm/build-modules $(KERNEL) $(O)/modules-$(KERNEL)

check:
	./quickstart check

coverage:
	selftests/coverage

regen:
	tools/netlink/regen "$$(tools/vm/uml-build uml --source)"

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/linux
	$(if $(bins),install -m 755 $(bins) $(DESTDIR)$(PREFIX)/bin/)
	install -m 644 $(wildcard include/uapi/linux/*.h) \
		$(DESTDIR)$(PREFIX)/include/linux/
	$(foreach s,1 8,$(if $(wildcard Documentation/man/*.$s),\
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$s \
		$(wildcard Documentation/man/*.$s);))

modules_install: release = $$(cut -d" " -f1 $(O)/modules-$(KERNEL)/release)
modules_install: modules
	install -D -m 644 -t \
		$(DESTDIR)/lib/modules/$(release)/updates \
		$(O)/modules-$(KERNEL)/qkd_keyring.ko $(O)/modules-$(KERNEL)/ssn_crypt.ko
	$(if $(DESTDIR),,depmod $(release))

clean:
	rm -rf $(O)
