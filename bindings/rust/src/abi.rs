// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Numbers and structures of `<linux/kvm_pvi.h>`, by the names they have there.
//!
//! What the two macros make of them is up to who includes this file: the crate, or `tests/layout.rs`, which
//! prints them for a comparison with the header.
#![allow(missing_docs, non_camel_case_types)]

constants! {
    KVM_PVI_RAISED = 0;
    KVM_PVI_COALESCED = 1;
    KVM_PVI_LATCHED = 2;
    KVM_PVI_ENOSYS = 1000;
    KVM_HC_PVI_FEATURES = 0x5056_4900;
    KVM_HC_PVI = 0x5056_4901;
    KVM_HC_NOTIFY = 0x5056_4902;
    KVM_HC_PVI_CONNECT = 0x5056_4903;
    KVM_HC_PVI_DISCONNECT = 0x5056_4904;
    KVM_HC_NOTIFY_MANY = 0x5056_4905;
    KVM_HC_PVI_SET_MSI = 0x5056_4906;
    KVM_HC_BELL_SEND = 0x5056_4907;
    KVM_HC_BELL_RECEIVE = 0x5056_4908;
    KVM_HC_BELL_MASK = 0x5056_4909;
    KVM_HC_BELL_RESET = 0x5056_490a;
    KVM_HC_PVI_PEERS = 0x5056_490b;
    KVM_HC_PVI_RESET = 0x5056_490c;
    KVM_HC_PVI_ARM = 0x5056_490d;
    KVM_HC_PVI_SET_CONFIG = 0x5056_490e;
    KVM_HC_PVI_QUERY = 0x5056_490f;
    KVM_PVI_FEAT_PRESENT = 1 << 0;
    KVM_PVI_FEAT_RING = 1 << 1;
    KVM_PVI_FEAT_MANY = 1 << 2;
    KVM_PVI_FEAT_MSI = 1 << 3;
    KVM_PVI_FEAT_BELL = 1 << 4;
    KVM_PVI_FEAT_STATUS = 1 << 5;
    KVM_PVI_FEAT_PEERS = 1 << 6;
    KVM_PVI_FEAT_RBX = 1 << 7;
    KVM_PVI_ABI_MAJOR = 1;
    KVM_PVI_GSI_MAX = 4096;
    KVM_PVI_GSI_VIRTUAL = 0x10000;
    KVM_PVI_GSI_VIRTUAL_END = 0x20000;
    KVM_PVI_GSI_ANY = 0xffff_ffff;
    KVM_PVI_PORT_ANY = 0xffff_ffff;
    KVM_PVI_UUID_SIZE = 16;
    KVM_PVI_BROADCAST_MAX = 64;
    KVM_PVI_PEERS_MAX = 64;
    KVM_PVI_EVENTS_KEPT = 64;
    KVM_PVI_LIST_MAX = 1024;
    KVM_PVI_GSI_DIRECT = 0;
    KVM_PVI_GSI_EVENTFD = 1;
    KVM_PVI_GSI_MSI = 2;
    KVM_PVI_Q_ABI = 0;
    KVM_PVI_Q_ABI_MAJOR = 0;
    KVM_PVI_Q_ABI_MINOR = 1;
    KVM_PVI_Q_SELF = 1;
    KVM_PVI_Q_SELF_UUID = 0;
    KVM_PVI_Q_SELF_EPOCH = 1;
    KVM_PVI_Q_SELF_CONFIG = 2;
    KVM_PVI_Q_GSI = 2;
    KVM_PVI_Q_GSI_NUMBER = 0;
    KVM_PVI_Q_GSI_KIND = 1;
    KVM_PVI_Q_GSI_STATE = 2;
    KVM_PVI_Q_GSI_RINGS = 3;
    KVM_PVI_Q_GSI_BELL = 4;
    KVM_PVI_Q_PORT = 3;
    KVM_PVI_Q_PORT_STATE = 0;
    KVM_PVI_Q_PORT_GSI = 1;
    KVM_PVI_Q_LIMIT = 4;
    KVM_PVI_Q_LIMIT_PORTS = 0;
    KVM_PVI_Q_LIMIT_GSIS = 1;
    KVM_PVI_Q_LIMIT_BELLS = 2;
    KVM_PVI_GSI_WIRED = 1 << 0;
    KVM_PVI_GSI_LATCHED = 1 << 1;
    KVM_PVI_GSI_STATUS = 1 << 2;
    KVM_PVI_PORT_EVENTFD = 0;
    KVM_PVI_PORT_LIVE = 1;
    KVM_PVI_PORT_DEAD = 2;
    KVM_PVI_PORT_REVOKED = 3;
    KVM_PVI_BIND_HOST = 1 << 0;
    KVM_PVI_BIND_OWNER = 1 << 1;
    KVM_PVI_BIND_GRANTS_ONLY = 1 << 2;
    KVM_PVI_BIND_VMM = 1 << 3;
    KVM_PVI_ALLOW_OWNER = 1 << 0;
    KVM_PVI_ALLOW_BELL = 1 << 1;
    KVM_PVI_REVOKE_ALL = 1 << 0;
    KVM_PVI_REVOKE_BELL = 1 << 1;
    KVM_PVI_CONNECT_GRANT = 1 << 0;
    KVM_PVI_CONNECT_OWNER = 1 << 1;
    KVM_PVI_STATUS_UNSEALED = 1 << 0;
    KVM_PVI_GRANT_BELL = 1 << 0;
    KVM_PVI_STATE_FREEZE = 1 << 0;
    KVM_PVI_STATE_MAX = 1 << 22;
    KVM_PVI_EDGE_GSI = 0;
    KVM_PVI_EDGE_BELL = 1;
    KVM_PVI_EDGE_GRANT = 2;
    KVM_PVI_EVENT_PEER_UP = 1;
    KVM_PVI_EVENT_PEER_DOWN = 2;
    KVM_PVI_EVENT_PEER_REVOKED = 3;
    KVM_PVI_EVENT_SENDER_UP = 4;
    KVM_PVI_EVENT_SENDER_DOWN = 5;
    KVM_PVI_LIST_ENDPOINTS = 0;
    KVM_PVI_LIST_EDGES = 1;
    KVM_PVI_LIST_GSIS = 2;
    KVM_PVI_LIST_PORTS = 3;
    KVM_PVI_GET_INFO = 0xd710;
    KVM_PVI_BIND = 0xd711;
    KVM_PVI_EXPOSE = 0xd712;
    KVM_PVI_UNEXPOSE = 0xd713;
    KVM_PVI_UNWIRE = 0xd714;
    KVM_PVI_KICK = 0xd715;
    KVM_PVI_UNSTATUS = 0xd716;
    KVM_PVI_WIRE = 0xd717;
    KVM_PVI_ALLOW = 0xd718;
    KVM_PVI_REVOKE = 0xd719;
    KVM_PVI_SET_PORT = 0xd71a;
    KVM_PVI_CLOSE_PORT = 0xd71b;
    KVM_PVI_CONNECT = 0xd71c;
    KVM_PVI_CALL = 0xd71d;
    KVM_PVI_GET_STATS = 0xd71e;
    KVM_PVI_GET_EDGE = 0xd71f;
    KVM_PVI_RESERVE = 0xd728;
    KVM_PVI_UNRESERVE = 0xd729;
    KVM_PVI_BELL = 0xd720;
    KVM_PVI_STATUS = 0xd721;
    KVM_PVI_WIRE_SOURCE = 0xd730;
    KVM_PVI_UNWIRE_SOURCE = 0xd731;
    KVM_PVI_GRANT = 0xd732;
    KVM_PVI_UNGRANT = 0xd733;
    KVM_PVI_GET_STATE = 0xd735;
    KVM_PVI_SET_STATE = 0xd736;
    KVM_PVI_THAW = 0xd737;
    KVM_PVI_LIST = 0xd738;
}

structs! {
    pub struct kvm_pvi_peer {
        pub epoch: u64,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub position: u32,
        pub gsis: u16,
        pub __reserved: u16,
    }
    pub struct kvm_pvi_info {
        pub size: u32,
        pub flags: u32,
        pub abi_major: u32,
        pub abi_minor: u32,
        pub features: u32,
        pub hook: u32,
        pub max_vms: u32,
        pub max_senders: u32,
        pub max_gsis: u32,
        pub max_ports: u32,
        pub max_bells: u32,
        pub max_grants: u32,
        pub max_sources: u32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_bind {
        pub size: u32,
        pub flags: u32,
        pub vm_fd: i32,
        pub owner: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub epoch: u64,
    }
    pub struct kvm_pvi_expose {
        pub size: u32,
        pub flags: u32,
        pub gsi: u32,
        pub kind: u32,
        pub rate: u32,
        pub burst: u32,
    }
    pub struct kvm_pvi_gsi {
        pub size: u32,
        pub flags: u32,
        pub gsi: u32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_wire {
        pub size: u32,
        pub flags: u32,
        pub gsi: u32,
        pub fd: i32,
    }
    pub struct kvm_pvi_allow {
        pub size: u32,
        pub flags: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub gsi: u32,
        pub owner: u32,
        pub bits: u64,
        pub rate: u32,
        pub burst: u32,
    }
    pub struct kvm_pvi_revoke {
        pub size: u32,
        pub flags: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub gsi: u32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_port {
        pub size: u32,
        pub flags: u32,
        pub port: u32,
        pub fd: i32,
    }
    pub struct kvm_pvi_connect {
        pub size: u32,
        pub flags: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub gsi: u32,
        pub port: u32,
        pub grant_fd: i32,
        pub owner: u32,
    }
    pub struct kvm_pvi_call {
        pub size: u32,
        pub flags: u32,
        pub nr: u32,
        pub __reserved: u32,
        pub args: [u64; 4],
        pub ret: i64,
        pub ret2: u64,
    }
    pub struct kvm_pvi_counts {
        pub raised: u64,
        pub coalesced: u64,
        pub latched: u64,
        pub denied: u64,
        pub throttled: u64,
    }
    pub struct kvm_pvi_stats {
        pub size: u32,
        pub flags: u32,
        pub sent: kvm_pvi_counts,
        pub received: kvm_pvi_counts,
        pub retries: u64,
        pub dropped: u64,
    }
    pub struct kvm_pvi_edge {
        pub size: u32,
        pub flags: u32,
        pub cursor: u64,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub gsi: u32,
        pub kind: u32,
        pub counts: kvm_pvi_counts,
    }
    pub struct kvm_pvi_reserve {
        pub size: u32,
        pub flags: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub uid: u32,
        pub from: u32,
    }
    pub struct kvm_pvi_event {
        pub r#type: u32,
        pub lost: u32,
        pub epoch: u64,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
    }
    pub struct kvm_pvi_bell {
        pub size: u32,
        pub flags: u32,
        pub bell: u32,
        pub gsi: u32,
    }
    pub struct kvm_pvi_set_status {
        pub size: u32,
        pub flags: u32,
        pub gsi: u32,
        pub memfd: i32,
        pub offset: u64,
        pub address: u64,
    }
    pub struct kvm_pvi_source {
        pub size: u32,
        pub flags: u32,
        pub fd: i32,
        pub port: u32,
    }
    pub struct kvm_pvi_grant {
        pub size: u32,
        pub flags: u32,
        pub gsi: u32,
        pub uses: u32,
        pub bits: u64,
        pub rate: u32,
        pub burst: u32,
        pub id: u64,
        pub fd: i32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_ungrant {
        pub size: u32,
        pub flags: u32,
        pub id: u64,
    }
    pub struct kvm_pvi_state {
        pub size: u32,
        pub flags: u32,
        pub address: u64,
        pub length: u32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_thaw {
        pub size: u32,
        pub flags: u32,
    }
    pub struct kvm_pvi_list {
        pub size: u32,
        pub flags: u32,
        pub kind: u32,
        pub record: u32,
        pub endpoint: u64,
        pub cursor: u64,
        pub address: u64,
        pub nr: u32,
        pub __reserved: u32,
    }
    pub struct kvm_pvi_list_endpoint {
        pub number: u64,
        pub epoch: u64,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub flags: u32,
        pub owner: u32,
        pub opener: u32,
        pub vmm: u32,
        pub senders: u32,
        pub grants: u32,
        pub gsis: u32,
        pub bells: u32,
        pub sent: kvm_pvi_counts,
        pub received: kvm_pvi_counts,
        pub retries: u64,
        pub dropped: u64,
    }
    pub struct kvm_pvi_list_edge {
        pub id: u64,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
        pub gsi: u32,
        pub kind: u32,
        pub flags: u32,
        pub owner: u32,
        pub bits: u64,
        pub rate: u32,
        pub burst: u32,
        pub counts: kvm_pvi_counts,
    }
    pub struct kvm_pvi_list_gsi {
        pub gsi: u32,
        pub kind: u32,
        pub state: u32,
        pub bell: u32,
        pub rate: u32,
        pub burst: u32,
        pub rings: u64,
    }
    pub struct kvm_pvi_list_port {
        pub port: u32,
        pub state: u32,
        pub gsi: u32,
        pub flags: u32,
        pub uuid: [u8; KVM_PVI_UUID_SIZE as usize],
    }
}
