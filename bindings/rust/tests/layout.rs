// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Prints what the crate has of `<linux/kvm_pvi.h>`, for a comparison with the header:
//! `constant NAME VALUE`, `struct NAME SIZE`, `member STRUCT NAME OFFSET SIZE`.
#![allow(dead_code)]

use std::mem::{size_of, size_of_val};
use std::ptr::addr_of;

macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {
        $(pub const $name: u32 = $value;)*

        pub fn print_constants() {
            $(println!("constant {} {}", stringify!($name), $name);)*
        }
    };
}

macro_rules! structs {
    ($(pub struct $name:ident { $(pub $field:ident: $type:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Default)]
            pub struct $name {
                $(pub $field: $type,)*
            }
        )*

        pub fn print_structs() {
            $(
                let it = $name::default();
                println!("struct {} {}", stringify!($name), super::size_of::<$name>());
                $(
                    let offset = super::addr_of!(it.$field) as usize - super::addr_of!(it) as usize;
                    let field = stringify!($field).trim_start_matches("r#");
                    println!("member {} {} {} {}", stringify!($name), field, offset, super::size_of_val(&it.$field));
                )*
            )*
        }
    };
}

#[path = "../src/abi.rs"]
mod abi;

fn main() {
    abi::print_constants();
    abi::print_structs();
}
