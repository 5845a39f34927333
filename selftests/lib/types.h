/* SPDX-License-Identifier: GPL-2.0 */
/* kvm-pvi selftests: the kernel's short names for types and attributes */
#ifndef PVI_TEST_TYPES_H
#define PVI_TEST_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define PAGE_SIZE 4096UL

#define __attribute(...) __attribute__((__VA_ARGS__))
#define __aligned(x) __attribute(aligned(x))
#define __noreturn __attribute(noreturn)
#define __packed __attribute(packed)
#define __printf(fmt, args) __attribute(format(printf, fmt, args))

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)

#endif
